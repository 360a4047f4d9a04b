"""Check of a provider without a person: its metadata and keys, as they are published now."""

import asyncio
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.errors import NotFound
from foundation.marks import N_
from tenants.identity_providers.queries import find_provider
from tenants.single_sign_on.discovery import ProviderCache
from tenants.single_sign_on.errors import ProviderProblem, ProviderUnusable
from tenants.single_sign_on.schemas import ProviderCheck

_SECONDS: Final = 5.0
"""Time limit of all requests together: a transaction waits for them."""


async def check_provider(session: AsyncSession, cache: ProviderCache) -> ProviderCheck:
    """Raises:
    NotFound: the account has no provider.
    ProviderUnusable, OutboundRefused, OutboundUnavailable: its metadata or keys cannot be used, or read.
    """
    provider = await find_provider(session)
    if provider is None:
        raise NotFound(N_("No identity provider is set."))
    cache.forget(provider.tenant_id)
    try:
        async with asyncio.timeout(_SECONDS):
            metadata = await cache.metadata(provider.tenant_id, provider.issuer)
            keys = await cache.keys(provider.tenant_id, provider.issuer)
    except TimeoutError:
        raise ProviderUnusable(ProviderProblem.NO_METADATA) from None
    return ProviderCheck(
        issuer=metadata.issuer,
        authorization_endpoint=metadata.authorization_endpoint,
        token_endpoint=metadata.token_endpoint,
        userinfo_endpoint=metadata.userinfo_endpoint,
        end_session_endpoint=metadata.end_session_endpoint,
        keys=len(keys),
    )
