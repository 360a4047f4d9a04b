"""Versions of retention periods, which an edit names: those of an account, and an MSP's defaults."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.web.etags import require_unchanged, version_of
from governance.retention.repository import load_defaults


async def read_policies_version(session: AsyncSession) -> str:
    rows = await session.execute(
        text("""
            SELECT data_class, element, keep_days FROM retention_policy WHERE tenant_id = :t
             ORDER BY data_class, element
        """),
        {"t": scope_of(session).tenant_id},
    )
    return version_of([list(row) for row in rows])


async def read_defaults_version(session: AsyncSession) -> str:
    return version_of(await load_defaults(session, scope_of(session).msp_id))


async def require_policies_version(session: AsyncSession, sent: str) -> None:
    """Raises: PreconditionFailed."""
    await require_unchanged(session, "retention_policies", sent, lambda: read_policies_version(session))


async def require_defaults_version(session: AsyncSession, sent: str) -> None:
    """Raises: PreconditionFailed."""
    await require_unchanged(session, "retention_defaults", sent, lambda: read_defaults_version(session))
