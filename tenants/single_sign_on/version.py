"""Version of an account's identity provider, which an edit names: its settings, not its domains and trials."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.web.etags import ABSENT, require_unchanged, version_of
from tenants.identity_providers.models import IdentityProvider
from tenants.identity_providers.queries import find_provider

_SETTINGS: Final = (
    "name", "issuer", "client_id", "mode", "creates_members", "default_role", "groups_claim", "group_roles",
    "checks_factors", "set_at",
)  # fmt: skip
"""`set_at` changes with the secret, which is not compared."""


def provider_version(provider: IdentityProvider | None) -> str:
    return ABSENT if provider is None else version_of([getattr(provider, name) for name in _SETTINGS])


async def require_provider_version(session: AsyncSession, sent: str) -> None:
    """Raises: PreconditionFailed."""

    async def read() -> str:
        return provider_version(await find_provider(session))

    await require_unchanged(session, "identity_provider", sent, read)
