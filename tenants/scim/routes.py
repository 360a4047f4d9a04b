"""API of the SCIM token. Without a client in the path, of the MSP account."""

from typing import Any, Final

from litestar import Request, Response, get

from foundation.web.api import delete, post
from tenants.access import Access
from tenants.auth.pages import OpenAuth
from tenants.auth.step_up import STEP_UP
from tenants.permissions import TenantPermission
from tenants.scim import tokens
from tenants.scim.schemas import NewScimTokenView, ScimTokenView, base_url, token_view
from tenants.scim.service.routes import serve_scim
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_ROOT: Final = ["/api/v1/single-sign-on/scim-token", "/api/v1/clients/{client:str}/single-sign-on/scim-token"]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_WRITE: Final = {"permission": TenantPermission.WRITE_SIGN_IN_RULES} | STEP_UP
_TAGS: Final = ["single sign-on"]


@get(_ROOT, opt=_READ, tags=_TAGS)
async def show_scim_token(request: AnyRequest, access: OpenAccess) -> ScimTokenView:
    """Show the account's SCIM token, without its text. 404 if it has none."""
    return token_view(await tokens.get_token(access.session), portal_of(request, access.brand).origin)


@post(_ROOT, opt=_WRITE, tags=_TAGS)
async def create_scim_token(request: AnyRequest, access: OpenAccess, auth: OpenAuth) -> Response[NewScimTokenView]:
    """Create the account's SCIM token, with which its identity provider manages the members. Its rights are those of
    the member who creates it.
    """
    text = await tokens.create_token(access.session, auth.new_secret, access.principal, now=access.now)
    return _made(request, access, text)


@post([f"{path}/rotate" for path in _ROOT], opt=_WRITE, tags=_TAGS, status_code=200)
async def rotate_scim_token(request: AnyRequest, access: OpenAccess, auth: OpenAuth) -> Response[NewScimTokenView]:
    """Replace the SCIM token by a new one. The present one is accepted for 24 more hours; revoking ends both."""
    text = await tokens.rotate_token(access.session, auth.new_secret, access.principal, now=access.now)
    return _made(request, access, text)


@delete(_ROOT, opt=_WRITE, tags=_TAGS)
async def revoke_scim_token(access: OpenAccess) -> None:
    """Revoke the SCIM token. The members stay as they are."""
    await tokens.revoke_token(access.session, now=access.now)


SCIM_ROUTES: Final[tuple[Any, ...]] = (
    show_scim_token,
    create_scim_token,
    rotate_scim_token,
    revoke_scim_token,
    serve_scim,
)


def _made(request: AnyRequest, access: Access, text: str) -> Response[NewScimTokenView]:
    view = NewScimTokenView(base_url(portal_of(request, access.brand).origin), text)
    return Response(view, headers={"Cache-Control": "no-store"})
