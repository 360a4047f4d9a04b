"""Version of an escalation ladder, which an edit names: whose it is, and its steps."""

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.web.etags import require_unchanged, version_of
from governance.escalations.ladder import load_ladder


async def read_ladder_version(session: AsyncSession) -> str:
    found = await load_ladder(session)
    return version_of([found.source, found.steps])


async def require_ladder_version(session: AsyncSession, sent: str) -> None:
    """Raises: PreconditionFailed."""
    await require_unchanged(session, "escalation_ladder", sent, lambda: read_ladder_version(session))
