"""Roles composed by an account: their rows, and the permission rules that they represent."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.text import is_storable
from policy.models import PolicyRole
from policy.rules import PolicyRule, RuleKind


async def list_roles(session: AsyncSession) -> Sequence[PolicyRole]:
    """The account's own roles, by name."""
    own = select(PolicyRole).where(PolicyRole.tenant_id == scope_of(session).tenant_id)
    return (await session.scalars(own.order_by(PolicyRole.name, PolicyRole.id))).all()


async def role_names(session: AsyncSession) -> dict[str, str]:
    """Names of the account's own roles, by id."""
    own = PolicyRole.tenant_id == scope_of(session).tenant_id
    return {row.id: row.name for row in await session.execute(select(PolicyRole.id, PolicyRole.name).where(own))}


async def get_role(session: AsyncSession, role: str) -> PolicyRole:
    """A role of the account's own. Raises: NotFound."""
    if not is_storable(role):
        raise NotFound
    found = await session.scalar(
        select(PolicyRole)
        .where(PolicyRole.tenant_id == scope_of(session).tenant_id, PolicyRole.id == role)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    return found


async def insert_role(session: AsyncSession, values: dict[str, object]) -> bool:
    """Insert a role. False if a role of the account has this name."""
    scope = scope_of(session)
    statement = insert(PolicyRole).values(tenant_id=scope.tenant_id, msp_id=scope.msp_id, **values)
    return await session.scalar(statement.on_conflict_do_nothing().returning(PolicyRole.id)) is not None


async def update_role(session: AsyncSession, role: str, values: dict[str, object]) -> None:
    own = (PolicyRole.tenant_id == scope_of(session).tenant_id, PolicyRole.id == role)
    await session.execute(update(PolicyRole).where(*own).values(**values))


async def delete_role(session: AsyncSession, role: str) -> None:
    own = (PolicyRole.tenant_id == scope_of(session).tenant_id, PolicyRole.id == role)
    await session.execute(delete(PolicyRole).where(*own))


def rules_of_roles(roles: Iterable[PolicyRole]) -> list[PolicyRule]:
    """One permission rule for each permission of each role."""
    return [
        PolicyRule(
            id=f"{role.id}:{permission}",
            ptype=RuleKind.PERMISSION,
            sub=role.id,
            dom=str(role.tenant_id),
            obj=permission.partition(":")[0],
            act=permission.partition(":")[2],
            description=role.name,
        )
        for role in roles
        for permission in role.permissions
    ]
