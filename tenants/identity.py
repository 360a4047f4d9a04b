"""From what a request carries (a session cookie or an API key) to who it is, read anew for each request."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database, scope_of
from foundation.scope import Actor, Scope
from tenants.models import Client, Person, Standing
from tenants.principal import Principal
from tenants.sessions import Session, SessionStore


@dataclass(frozen=True, slots=True)
class SignedIn:
    principal: Principal
    session: Session


async def identify_person(
    db: Database, sessions: SessionStore, *, msp_id: UUID, cookie: str, now: datetime
) -> SignedIn | None:
    """Who is signed in with this cookie on a host of this MSP, or None.

    A session ends here when its person or account was suspended, or signed out everywhere after it began.
    """
    session = await sessions.find(cookie, msp_id=msp_id, now=now)
    if session is None:
        return None
    scope = Scope(msp_id=msp_id, tenant_id=session.tenant_id, actor=Actor.system("identity"))
    async with db.transaction(scope) as transaction:
        principal = await load_principal(transaction, session.person_id, session_began=session.created_at)
    if principal is None:
        await sessions.end(session)
        return None
    return SignedIn(principal, session)


async def load_principal(
    session: AsyncSession, person_id: UUID, *, session_began: datetime | None = None
) -> Principal | None:
    """The person of the scope's tenant, if person and account are in good standing."""
    scope = scope_of(session)
    row = (
        await session.execute(
            select(Person.name, Person.status, Person.partner_id, Person.signed_out_after, Client.status)
            .outerjoin(Client, Client.tenant_id == Person.tenant_id)
            .where(Person.tenant_id == scope.tenant_id, Person.id == person_id)
        )
    ).one_or_none()
    if row is None:
        return None
    name, status, partner_id, signed_out_after, account = row
    if status != Standing.ACTIVE or account not in (None, Standing.ACTIVE):
        return None
    if session_began is not None and signed_out_after is not None and session_began < signed_out_after:
        return None
    return Principal(
        kind="person",
        id=person_id,
        name=name,
        msp_id=scope.msp_id,
        tenant_id=scope.tenant_id,
        partner_id=partner_id,
        roles=(),
    )
