"""Brand of a request's host. Needed for every page, so results are cached for a few seconds."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from branding import repository
from branding.brand import Brand
from branding.client_brands import read_client_brand
from branding.errors import UnknownHost
from branding.hosts import normal_host
from foundation.clock import Clock
from foundation.database.engine import Database, scope_of
from foundation.errors import NotFound
from foundation.marks import N_

TTL: Final = timedelta(seconds=5)
_MOST_HOSTS = 1024
T = TypeVar("T")


async def resolve_brand(session: AsyncSession, host: str) -> Brand | None:
    """The brand of a host. The transaction must have been opened with the same `host`; it needs no scope."""
    name = normal_host(host)
    return await repository.find_by_host(session, name) if name else None


async def read_own_brand(session: AsyncSession, brand_id: UUID | None = None) -> Brand:
    """Brand for a client's mail: that of its MSP, as `read_msp_brand`, with the client's own parts.

    Raises:
        NotFound: the MSP has none.
    """
    brand, scope = await read_msp_brand(session, brand_id), scope_of(session)
    return brand if scope.tenant_id == scope.msp_id else (await read_client_brand(session)).over(brand)


async def find_msp_host(session: AsyncSession) -> tuple[str, UUID] | None:
    """The host that links lead to where there is no request, with its brand: the first one of the MSP's first brand
    that has any. For jobs, in any scope but a partner's.
    """
    return await repository.find_first_host(session, scope_of(session).msp_id)


async def read_msp_brand(session: AsyncSession, brand_id: UUID | None = None) -> Brand:
    """Brand of the MSP's own documents for a client, such as invoices: `brand_id`, else its first. For jobs, in any
    scope but a partner's.

    Raises:
        NotFound: the MSP has none.
    """
    msp_id = scope_of(session).msp_id
    brand = await repository.find_of_msp(session, msp_id, brand_id) if brand_id is not None else None
    brand = brand or await repository.find_first(session, msp_id)
    if brand is None:
        raise NotFound(N_("There is no brand here yet. Set one for the MSP first."))
    return brand


async def list_brand_names(session: AsyncSession) -> Sequence[str]:
    """Names and hosts of all brands, in the scope of an MSP account."""
    return await repository.list_names(session, scope_of(session))


class BrandDirectory:
    """Cache of brands by host, one per process. A change takes effect everywhere within `ttl`, and at once in a process
    that calls `forget`.
    """

    def __init__(self, database: Database, clock: Clock, *, ttl: timedelta = TTL) -> None:
        self._database = database
        self._clock = clock
        self._ttl = ttl
        self._known: OrderedDict[str, tuple[datetime, Brand]] = OrderedDict()
        self._unknown: OrderedDict[str, tuple[datetime, None]] = OrderedDict()
        """Separate, so that made-up Host headers evict no brand."""
        self._changes = 0

    async def for_host(self, host: str, *, ttl: timedelta | None = None) -> Brand:
        """Brand of a host. `host` as in the Host header; `ttl` if it must be newer than usual.

        Raises:
            UnknownHost: no brand has this host.
        """
        name = normal_host(host)
        brand = await self._find(name, self._ttl if ttl is None else ttl) if name else None
        if brand is None:
            raise UnknownHost
        return brand

    def remembered(self, host: str) -> Brand | None:
        """Cached brand of `host`, without a query: for error pages, which must not fail themselves."""
        known = self._known.get(normal_host(host) or "")
        return known[1] if known else None

    def forget(self, msp_id: UUID) -> None:
        """Drop the MSP's cached brands. To be called after a change of them is committed."""
        self._changes += 1
        self._unknown.clear()
        for name in [name for name, (_, brand) in self._known.items() if brand.msp_id == msp_id]:
            del self._known[name]

    async def _find(self, name: str, ttl: timedelta) -> Brand | None:
        now, changes = self._clock(), self._changes
        known = self._known.get(name) or self._unknown.get(name)
        # The clock may have been set back since: an entry dated in the future is not valid.
        if known is not None and timedelta(0) <= now - known[0] < ttl:
            return known[1]
        async with self._database.transaction(None, host=name) as session:
            brand = await resolve_brand(session, name)
        if changes != self._changes:  # the brand may have been read before the change
            return brand
        self._known.pop(name, None)
        if brand is None:
            _store(self._unknown, name, (now, None))
        else:
            self._unknown.pop(name, None)
            _store(self._known, name, (now, brand))
        return brand


def _store(memory: OrderedDict[str, T], name: str, found: T) -> None:
    memory[name] = found
    memory.move_to_end(name)
    while len(memory) > _MOST_HOSTS:
        memory.popitem(last=False)
