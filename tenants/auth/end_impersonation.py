"""End of an impersonation, and actions refused during it, in the client's audit trail."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.scope import Scope
from tenants.audit_actions import TenantAction
from tenants.auth.impersonation import EndCause, Impersonation
from tenants.auth.services import AuthServices
from tenants.auth.sessions import Session


async def end_impersonation(auth: AuthServices, session: Session, cause: EndCause) -> None:
    """End an impersonation and record its end, once. Nothing happens if the session does not impersonate any more. An
    end by time is recorded by a job that was enqueued at the start.
    """
    acting = session.acting
    if acting is None or not await auth.sessions.end_impersonation(session):
        return
    async with auth.db.transaction(_scope(session, acting)) as transaction:
        record_end(transaction, acting, cause, auth.clock())


def record_end(transaction: AsyncSession, acting: Impersonation, cause: EndCause, at: datetime) -> None:
    if at < acting.until:
        write_end(transaction, acting.id, member_id=acting.member_id, by=acting.by_name, cause=cause, at=at)


def write_end(  # noqa: PLR0913 - keyword-only parts of one entry
    transaction: AsyncSession, impersonation_id: UUID, *, member_id: UUID, by: str, cause: EndCause, at: datetime
) -> None:
    data = {"id": str(impersonation_id), "by": by, "cause": str(cause)}
    append_audit(transaction, action=TenantAction.IMPERSONATION_ENDED, subject=f"member:{member_id}", data=data, at=at)


async def record_refused_act(auth: AuthServices, session: Session, *, method: str, path: str) -> None:
    acting = session.acting
    if acting is None:
        return
    async with auth.db.transaction(_scope(session, acting)) as transaction:
        append_audit(
            transaction, action=TenantAction.IMPERSONATION_ACT_REFUSED, subject=f"member:{acting.member_id}",
            data={"by": acting.by_name, "method": method, "path": path[:200]}, at=auth.clock(),
        )  # fmt: skip


def _scope(session: Session, acting: Impersonation) -> Scope:
    return Scope(msp_id=session.msp_id, tenant_id=acting.tenant_id, actor=acting.actor)
