"""Version of a role, which an edit names: its name, description and permissions, not its members."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.web.etags import require_unchanged, version_of
from policy.role_repository import get_role
from tenants.custom_roles.schemas import RoleView


def role_version(role: RoleView) -> str:
    return _version(role.name, role.about, role.permissions)


async def require_role_version(session: AsyncSession, role: str, sent: str) -> None:
    """Raises: PreconditionFailed. NotFound: no such role of the account's own."""

    async def read() -> str:
        known = await get_role(session, role)
        return _version(known.name, known.about, known.permissions)

    await require_unchanged(session, f"role:{role}", sent, read)


def _version(name: str, about: str, permissions: Sequence[str]) -> str:
    return version_of([name, about, sorted(permissions)])
