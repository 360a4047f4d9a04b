"""Comparison of the version that an edit of a template was made from with its newest one."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.web.etags import require_unchanged
from governance.onboarding.client_templates.store import load_version


async def require_newest(session: AsyncSession, template_id: UUID, sent: str) -> None:
    """Raises: PreconditionFailed."""

    async def read() -> str:
        return str((await load_version(session, template_id)).latest)

    await require_unchanged(session, f"client_template:{template_id}", sent, read)
