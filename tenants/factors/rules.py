"""Rules per role of an account: which members need a second factor."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.marks import N_
from foundation.text import is_storable
from policy.packaged import CLIENT_ROLES, MSP_ROLES
from policy.role_repository import list_roles
from tenants.factors.audit_actions import SecondFactorAction
from tenants.factors.models import SecondFactorRule

EVERYBODY: Final = "*"
_SUBJECT: Final = "second_factor_rule:{role}"


async def roles_of_account(session: AsyncSession) -> list[str]:
    """Roles of the account's members that a rule can name: `*`, the packaged ones, and the account's own by name."""
    scope = scope_of(session)
    packaged = sorted((MSP_ROLES if scope.tenant_id == scope.msp_id else CLIENT_ROLES) - {"machine"})
    return [EVERYBODY, *packaged, *(role.id for role in await list_roles(session))]


async def list_rules(session: AsyncSession) -> Sequence[SecondFactorRule]:
    own = SecondFactorRule.tenant_id == scope_of(session).tenant_id
    return (await session.scalars(select(SecondFactorRule).where(own).order_by(SecondFactorRule.role))).all()


async def set_rule(session: AsyncSession, role: str, *, now: datetime) -> None:
    """Require a second factor of the members with this role, from their next sign-in on. Idempotent.

    Raises:
        InvalidInput: members of this account have no such role.
    """
    scope = scope_of(session)
    known = await roles_of_account(session)
    if role not in known:
        raise InvalidInput(
            N_("There is no such role. Choose one of {known}."), params={"known": ", ".join(known)}, field="role"
        )
    values = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "role": role, "set_at": now}
    new = insert(SecondFactorRule).values(**values, set_by=scope.actor.name).on_conflict_do_nothing()
    if await session.scalar(new.returning(SecondFactorRule.role)) is not None:
        subject = _SUBJECT.format(role=role)
        append_audit(session, action=SecondFactorAction.RULE_SET, subject=subject, data={"role": role}, at=now)


async def remove_rule(session: AsyncSession, role: str, *, now: datetime) -> None:
    """Raises: NotFound: there is no such rule."""
    if not await end_rule(session, role, now=now):
        raise NotFound


async def end_rule(session: AsyncSession, role: str, *, now: datetime) -> bool:
    """Remove the rule of a role; returns whether there was one."""
    own = (SecondFactorRule.tenant_id == scope_of(session).tenant_id, SecondFactorRule.role == role)
    removing = delete(SecondFactorRule).where(*own).returning(SecondFactorRule.role)
    if not is_storable(role) or await session.scalar(removing) is None:
        return False
    subject = _SUBJECT.format(role=role)
    append_audit(session, action=SecondFactorAction.RULE_REMOVED, subject=subject, data={"role": role}, at=now)
    return True


async def is_required(session: AsyncSession, roles: Collection[str]) -> bool:
    """Whether a member of the scope's account with these roles needs a second factor."""
    own = SecondFactorRule.tenant_id == scope_of(session).tenant_id
    named = SecondFactorRule.role.in_([EVERYBODY, *roles])
    return await session.scalar(select(SecondFactorRule.role).where(own, named).limit(1)) is not None
