"""Management of an MSP's brands. The session's scope is the MSP account."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from branding import repository
from branding.audit_actions import BrandAction
from branding.brand import Brand
from branding.errors import HostTaken
from branding.hosts import normal_name, require_host
from branding.theme import Theme
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.scope import Scope

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")


async def list_brands(session: AsyncSession) -> Sequence[tuple[Brand, tuple[str, ...]]]:
    """The MSP's brands, oldest first, each with its hosts. Clients' mail and files carry the first one."""
    return await repository.list_brands(session, own_account(session))


async def try_find_brand(session: AsyncSession, slug: str) -> Brand | None:
    return await repository.find_by_slug(session, own_account(session), slug) if _SLUG.fullmatch(slug) else None


async def find_brand(session: AsyncSession, slug: str) -> Brand:
    """Raises: NotFound."""
    brand = await try_find_brand(session, slug)
    if brand is None:
        raise NotFound(N_("There is no brand called “{slug}” here."), params={"slug": slug})
    return brand


async def set_brand(session: AsyncSession, *, slug: str, theme: Theme, now: datetime, new_id: NewId) -> Brand:
    """Create the brand or replace its tokens; open pages change with their next load."""
    scope = own_account(session)
    if not _SLUG.fullmatch(slug):
        raise InvalidInput(N_("A brand's short name has 1 to 48 lower-case letters, digits and hyphens."), field="slug")
    tokens = msgspec.to_builtins(theme)
    brand_id = await repository.upsert(
        session, scope, brand_id=new_id(), slug=slug, name=theme.name, tokens=tokens, now=now
    )
    append_audit(
        session,
        action=BrandAction.BRAND_SET,
        subject=f"brand:{brand_id}",
        data={"slug": slug, "tokens": tokens},
        at=now,
    )
    return await find_brand(session, slug)


async def point_host(session: AsyncSession, *, slug: str, host: str, now: datetime) -> None:
    """Show the brand `slug` under `host`, a new host or one of another brand of the MSP.

    Raises:
        InvalidInput: no host name.
        NotFound: there is no such brand.
        HostTaken: another MSP has the host.
    """
    scope = own_account(session)
    name = require_host(host)
    brand = await find_brand(session, slug)
    if brand.id is None or not await repository.point_host(session, scope, host=name, brand_id=brand.id):
        raise HostTaken(name)
    append_audit(
        session, action=BrandAction.BRAND_DOMAIN_ADDED, subject=f"brand:{brand.id}", data={"host": name}, at=now
    )


async def list_hosts(session: AsyncSession, brand: Brand | None = None) -> Sequence[str]:
    """Host names that show a brand of the MSP, or `brand`, in alphabetical order."""
    return await repository.list_hosts(session, own_account(session), brand.id if brand else None)


async def release_host(session: AsyncSession, *, host: str, now: datetime) -> None:
    scope = own_account(session)
    if not await repository.release_host(session, scope, normal_name(host)):
        raise NotFound(N_("No brand is shown under “{host}” here."), params={"host": host})
    append_audit(
        session, action=BrandAction.BRAND_HOST_RELEASED, subject=f"msp:{scope.msp_id}", data={"host": host}, at=now
    )


def own_account(session: AsyncSession) -> Scope:
    """The session's scope, which must be an MSP's account. Raises RuntimeError otherwise."""
    scope = scope_of(session)
    if scope.tenant_id != scope.msp_id:
        raise RuntimeError("brands belong to an MSP's account, not to a client")
    return scope
