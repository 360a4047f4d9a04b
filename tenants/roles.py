"""The roles somebody holds at home, inherited ones too."""

from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, select

from policy.index import PolicyIndex, roles_of
from policy.models import PolicyVersion


def latest_policy(tenant_id: UUID) -> ScalarSelect[Any]:
    """The stamp `PolicyCache.index_at` needs, for a statement that reads something else anyway."""
    return (
        select(PolicyVersion.id)
        .where(PolicyVersion.tenant_id == tenant_id)
        .order_by(PolicyVersion.serial.desc())
        .limit(1)
        .scalar_subquery()
    )


def held_roles(index: PolicyIndex, subject: str) -> tuple[str, ...]:
    """`subject` is a person's id, or a role whose included ones are asked for."""
    return tuple(sorted(roles_of(index, subject)))


def leading_roles(index: PolicyIndex, roles: tuple[str, ...]) -> tuple[str, ...]:
    """Without those that another one includes: what to call somebody on a page."""
    included = {lesser for role in roles for lesser in roles_of(index, role)}
    return tuple(role for role in roles if role not in included)
