"""API of an MSP's brands and of the host names that show them."""

from collections.abc import Sequence
from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath, JSONBody

from branding import image_store, manage
from branding.domain_claims import verify_host, withdraw_claim
from foundation.ids import new_id
from foundation.outbound.dns_txt import TxtLookup
from foundation.web.api import delete, post, put
from foundation.web.etags import GuardedOperation, read_etag, tagged
from foundation.web.file_forms import FILE_BYTES
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.brands import hosts
from tenants.brands.schemas import BrandInput, BrandView, ImageInput, brand_view
from tenants.brands.version import brand_version, require_brand_version
from tenants.permissions import TenantPermission
from tenants.web.brand_option import OF_BRANDS
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": TenantPermission.READ_BRANDS} | OF_BRANDS
_WRITE: Final = {"permission": TenantPermission.WRITE_BRANDS} | OF_BRANDS
_ONE: Final = "/api/v1/brands/{slug:str}"
_HOST: Final = f"{_ONE}/hosts/{{host:str}}"
_IMAGE: Final = f"{_ONE}/images/{{kind:str}}"
_VERIFICATION: Final = f"{_HOST}/verification"


def build_brand_routes(lookup: TxtLookup) -> tuple[Any, ...]:
    @post(_VERIFICATION, opt=_WRITE, tags=["brands"], status_code=200)
    async def verify_brand_host(access: OpenAccess, slug: FromPath[str], host: FromPath[str]) -> BrandView:
        """Look for the DNS record of a waiting host name. If it is there, the brand is shown under the host name."""
        await verify_host(access.session, lookup, slug=slug, host=host, now=access.now)
        return await _view(access, slug)

    return (
        list_brands,
        show_brand,
        set_brand,
        add_host,
        remove_host,
        verify_brand_host,
        withdraw_host,
        set_image,
        remove_image,
    )


@get("/api/v1/brands", opt=_READ, tags=["brands"])
async def list_brands(access: OpenAccess) -> Sequence[BrandView]:
    """List the MSP's brands, oldest first, with their host names."""
    return [brand_view(brand, names) for brand, names in await manage.list_brands(access.session)]


@get(_ONE, opt=_READ, tags=["brands"])
async def show_brand(access: OpenAccess, slug: FromPath[str]) -> Response[BrandView]:
    """Show a brand, with the host names that wait for their DNS record. `ETag` has the version of its tokens."""
    return await _tagged(access, slug)


@put(_ONE, opt=_WRITE, tags=["brands"], status_code=200, operation_class=GuardedOperation)
async def set_brand(
    request: AnyRequest, access: OpenAccess, slug: FromPath[str], data: JSONBody[BrandInput]
) -> Response[BrandView]:
    """Create a brand or replace its tokens. Pages change with their next load."""
    await require_brand_version(access.session, slug, read_etag(request))
    await manage.set_brand(access.session, slug=slug, theme=data.theme(), now=access.now, new_id=new_id)
    return await _tagged(access, slug)


@put(_HOST, opt=_WRITE, tags=["brands"], status_code=200)
async def add_host(access: OpenAccess, slug: FromPath[str], host: FromPath[str]) -> BrandView:
    """Add a host name. One that shows another brand of this MSP moves at once; a new one waits for its DNS record,
    which is in the response.
    """
    await hosts.add_host(access.session, slug=slug, host=host, now=access.now)
    return await _view(access, slug)


@delete(_HOST, opt=_WRITE | STEP_UP, tags=["brands"])
async def remove_host(access: OpenAccess, slug: FromPath[str], host: FromPath[str]) -> None:
    """Stop showing the brand under a host name. The MSP's last one cannot be removed."""
    await hosts.remove_host(access.session, slug=slug, host=host, now=access.now)


@delete(_VERIFICATION, opt=_WRITE, tags=["brands"])
async def withdraw_host(access: OpenAccess, slug: FromPath[str], host: FromPath[str]) -> None:
    """Stop waiting for the DNS record of a host name."""
    await withdraw_claim(access.session, slug=slug, host=host)


@put(_IMAGE, opt=_WRITE, tags=["brands"], status_code=200, request_max_body_size=FILE_BYTES)
async def set_image(
    access: OpenAccess, slug: FromPath[str], kind: FromPath[str], data: JSONBody[ImageInput]
) -> BrandView:
    """Upload an image of the brand: `logo`, `logo-dark` (the logo on dark pages) or `icon` (of the browser)."""
    content = data.decoded()
    await image_store.set_image(
        access.session, slug=slug, kind=image_store.read_kind(kind), content=content, now=access.now
    )
    return await _view(access, slug)


@delete(_IMAGE, opt=_WRITE, tags=["brands"])
async def remove_image(access: OpenAccess, slug: FromPath[str], kind: FromPath[str]) -> None:
    """Remove an image of the brand: pages show the default again. Without a logo, there is none for dark pages."""
    await image_store.remove_image(access.session, slug=slug, kind=image_store.read_kind(kind), now=access.now)


async def _view(access: Access, slug: str) -> BrandView:
    found = await hosts.read_brand(access.session, slug)
    return brand_view(found.brand, found.hosts, found.claims)


async def _tagged(access: Access, slug: str) -> Response[BrandView]:
    found = await hosts.read_brand(access.session, slug)
    return tagged(brand_view(found.brand, found.hosts, found.claims), brand_version(found.brand))
