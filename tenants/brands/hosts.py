"""Host names of a brand, as an MSP's administrators change them: a new one has to be proved by a DNS record."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from branding import manage
from branding.brand import Brand
from branding.domain_claims import claim_host, list_claims
from branding.hosts import normal_name
from branding.models import BrandDomainClaim
from foundation.errors import Conflict, NotFound
from foundation.marks import N_


@dataclass(frozen=True, slots=True)
class BrandHosts:
    """A brand with the hosts that show it, and those that wait for their DNS record."""

    brand: Brand
    hosts: tuple[str, ...]
    claims: tuple[BrandDomainClaim, ...]


async def read_brand(session: AsyncSession, slug: str) -> BrandHosts:
    """Raises: NotFound."""
    brand = await manage.find_brand(session, slug)
    return BrandHosts(brand, tuple(await manage.list_hosts(session, brand)), tuple(await list_claims(session, slug)))


async def add_host(session: AsyncSession, *, slug: str, host: str, now: datetime) -> BrandDomainClaim | None:
    """Show the brand under a host that already shows one of the MSP's; otherwise create a claim, which waits for its
    DNS record.

    Raises:
        InvalidInput: no host name, or too many wait.
        NotFound: there is no such brand.
    """
    if normal_name(host) in await manage.list_hosts(session):
        await manage.point_host(session, slug=slug, host=host, now=now)
        return None
    return await claim_host(session, slug=slug, host=host, now=now)


async def remove_host(session: AsyncSession, *, slug: str, host: str, now: datetime) -> None:
    """Stop showing the brand `slug` under a host.

    Raises:
        NotFound: there is no such brand, or it has no such host.
        Conflict: this is the MSP's only host, without which nobody could sign in.
    """
    if host not in await manage.list_hosts(session, await manage.find_brand(session, slug)):
        raise NotFound(N_("This brand is not shown under “{host}”."), params={"host": host})
    if len(await manage.list_hosts(session)) == 1:
        raise Conflict(N_("This is your only domain: without it nobody can sign in. Add another one first."))
    await manage.release_host(session, host=host, now=now)
