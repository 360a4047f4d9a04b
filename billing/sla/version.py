"""Version of a client's terms of service credits, for conditional requests."""

from sqlalchemy.ext.asyncio import AsyncSession

from billing.sla.credits import ServiceLevels, load_service_levels
from foundation.web.etags import ABSENT, require_unchanged, version_of


def terms_version(levels: ServiceLevels) -> str:
    return ABSENT if levels.terms is None else version_of(levels.terms)


async def require_terms_version(session: AsyncSession, sent: str) -> None:
    """Raises: PreconditionFailed."""

    async def read() -> str:
        return terms_version(await load_service_levels(session))

    await require_unchanged(session, "sla_terms", sent, read)
