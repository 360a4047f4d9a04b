"""Roles held at home, inherited ones included."""

from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, select

from policy.index import PolicyIndex, roles_of
from policy.models import PolicyVersion


def latest_policy(tenant_id: UUID) -> ScalarSelect[Any]:
    """SQL expression for the stamp of `PolicyCache.index_at`, to be added to another statement."""
    return (
        select(PolicyVersion.id)
        .where(PolicyVersion.tenant_id == tenant_id)
        .order_by(PolicyVersion.serial.desc())
        .limit(1)
        .scalar_subquery()
    )


def held_roles(index: PolicyIndex, subject: str) -> tuple[str, ...]:
    """Roles of a subject. `subject` is a member's id, or a role for its included ones."""
    return tuple(sorted(roles_of(index, subject)))


def leading_roles(index: PolicyIndex, roles: tuple[str, ...]) -> tuple[str, ...]:
    """Roles not included in another held role: labels of a member on a page."""
    included = {lesser for role in roles for lesser in roles_of(index, role)}
    return tuple(role for role in roles if role not in included)
