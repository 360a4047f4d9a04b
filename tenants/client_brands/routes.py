"""API of a client's own parts of the brand."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath, JSONBody

from branding import client_brands
from branding.image_store import read_kind
from foundation.web.api import delete, put
from foundation.web.etags import GuardedOperation, read_etag, tagged
from foundation.web.file_forms import FILE_BYTES
from tenants.access import Access
from tenants.brands.schemas import ImageInput
from tenants.client_brands.schemas import ClientBrandInput, ClientBrandView, client_brand_view
from tenants.client_brands.version import client_brand_version, require_client_brand_version
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": TenantPermission.READ_BRANDS}
_WRITE: Final = {"permission": TenantPermission.WRITE_BRANDS}
_ROOT: Final = "/api/v1/clients/{client:str}/brand"
_IMAGE: Final = f"{_ROOT}/images/{{kind:str}}"
_TAGS: Final = ["brands"]


@get(_ROOT, opt=_READ, tags=_TAGS)
async def show_client_brand(access: OpenAccess) -> Response[ClientBrandView]:
    """Show a client's own parts of the brand, and the resulting brand under the request's host. `ETag` has the version
    of the parts.
    """
    return await _tagged(access)


@put(_ROOT, opt=_WRITE, tags=_TAGS, status_code=200, operation_class=GuardedOperation)
async def set_client_brand(
    request: AnyRequest, access: OpenAccess, data: JSONBody[ClientBrandInput]
) -> Response[ClientBrandView]:
    """Replace a client's parts of the brand. An empty part shows the MSP's. Pages change with their next load."""
    await require_client_brand_version(access.session, read_etag(request))
    await client_brands.set_parts(access.session, data.parts(), now=access.now)
    return await _tagged(access)


@put(_IMAGE, opt=_WRITE, tags=_TAGS, status_code=200, request_max_body_size=FILE_BYTES)
async def set_client_brand_image(
    access: OpenAccess, kind: FromPath[str], data: JSONBody[ImageInput]
) -> ClientBrandView:
    """Upload an image of a client: `logo`, `logo-dark` (the logo on dark pages) or `icon` (of the browser)."""
    content = data.decoded()
    await client_brands.set_client_image(access.session, kind=read_kind(kind), content=content, now=access.now)
    return await _view(access)


@delete(_IMAGE, opt=_WRITE, tags=_TAGS)
async def remove_client_brand_image(access: OpenAccess, kind: FromPath[str]) -> None:
    """Remove an image of a client: its pages show the MSP's again. Without a logo, there is none for dark pages."""
    await client_brands.remove_client_image(access.session, kind=read_kind(kind), now=access.now)


async def _view(access: Access) -> ClientBrandView:
    return client_brand_view(await client_brands.read_client_brand(access.session), access.brand.of_msp)


async def _tagged(access: Access) -> Response[ClientBrandView]:
    own = await client_brands.read_client_brand(access.session)
    return tagged(client_brand_view(own, access.brand.of_msp), client_brand_version(own))


CLIENT_BRAND_ROUTES: Final = (
    show_client_brand,
    set_client_brand,
    set_client_brand_image,
    remove_client_brand_image,
)
