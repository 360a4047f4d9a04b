"""Brand of a request, without the cache for requests about the brands themselves."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar.connection import ASGIConnection

from branding.brand import Brand
from branding.directory import BrandDirectory
from foundation.web.boundary import header_text
from tenants.access import AfterCommit
from tenants.auth.csrf import SAFE_METHODS
from tenants.web.brand_option import OPTION

AnyConnection = ASGIConnection[Any, Any, Any, Any]


async def find_shown_brand(brands: BrandDirectory, connection: AnyConnection) -> Brand:
    """Find the brand of the request's host. Routes about brands skip the cache, so that a member sees a saved brand at
    once, whichever process answers.

    Raises:
        UnknownHost: no brand has this host.
    """
    ttl = timedelta(0) if _is_about_brands(connection) else None
    return await brands.for_host(header_text(connection.scope, b"host"), ttl=ttl)


def forget_changed_brand(brands: BrandDirectory, connection: AnyConnection, msp_id: UUID) -> Sequence[AfterCommit]:
    """Actions after the commit of a request that changes a brand; none for other requests."""

    async def forget() -> None:
        brands.forget(msp_id)

    is_change = _is_about_brands(connection) and connection.scope.get("method") not in SAFE_METHODS
    return [forget] if is_change else []


def _is_about_brands(connection: AnyConnection) -> bool:
    return OPTION in connection.route_handler.opt
