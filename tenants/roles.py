"""The roles somebody holds at home, inherited ones too, from policy as it stands in this transaction."""

from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from policy.cache import PolicyCache
from policy.index import PolicyIndex, roles_of
from policy.models import PolicyVersion


def latest_policy(tenant_id: UUID) -> ScalarSelect[Any]:
    """The stamp `held_roles` needs, for a statement that reads something else anyway."""
    return (
        select(PolicyVersion.id)
        .where(PolicyVersion.tenant_id == tenant_id)
        .order_by(PolicyVersion.serial.desc())
        .limit(1)
        .scalar_subquery()
    )


async def held_roles(
    session: AsyncSession, policies: PolicyCache, subject: str, *, stamp: UUID | None
) -> tuple[str, ...]:
    """`subject` is a person's id or a role; `stamp` is what `latest_policy` read."""
    index = await policies.index_at(session, scope_of(session), stamp=stamp)
    return tuple(sorted(roles_of(index, subject)))


def leading_roles(index: PolicyIndex, roles: tuple[str, ...]) -> tuple[str, ...]:
    """Without those that another one includes: what to call somebody on a page."""
    included = {lesser for role in roles for lesser in roles_of(index, role)}
    return tuple(role for role in roles if role not in included)
