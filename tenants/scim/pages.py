"""Page of the account's SCIM token."""

from collections.abc import Awaitable
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.auth.pages import OpenAuth
from tenants.auth.step_up import STEP_UP
from tenants.permissions import TenantPermission
from tenants.scim import tokens
from tenants.scim.schemas import base_url
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_PATH: Final = "/members/single-sign-on/scim"
_ROOT: Final = [_PATH, f"/clients/{{client:str}}{_PATH}"]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_WRITE: Final = {"permission": TenantPermission.WRITE_SIGN_IN_RULES} | STEP_UP


@get(_ROOT, name="scim_settings", opt=_READ, include_in_schema=False)
async def show_scim_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    return await _page(request, access)


@post(_ROOT, opt=_WRITE, include_in_schema=False, status_code=200)
async def create_scim_token_page(request: AnyRequest, access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    """Answers with the page, because the token is shown only once."""
    making = tokens.create_token(access.session, auth.new_secret, access.principal, now=access.now)
    return await _made(request, access, making)


@post([f"{path}/rotate" for path in _ROOT], opt=_WRITE, include_in_schema=False, status_code=200)
async def rotate_scim_token_page(request: AnyRequest, access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    making = tokens.rotate_token(access.session, auth.new_secret, access.principal, now=access.now)
    return await _made(request, access, making)


@post([f"{path}/revoke" for path in _ROOT], opt=_WRITE, include_in_schema=False)
async def revoke_scim_token_page(access: OpenAccess) -> Response[Any]:
    await tokens.revoke_token(access.session, now=access.now)
    return redirect_to(access, _PATH, done=translate("SCIM token revoked"))


SCIM_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_scim_page,
    create_scim_token_page,
    rotate_scim_token_page,
    revoke_scim_token_page,
)


async def _made(request: AnyRequest, access: Access, making: Awaitable[str]) -> Response[Any]:
    made: list[str] = []

    async def make() -> None:
        made.append(await making)

    refusal = await run_action(access.session, make())
    return await _page(request, access, made="".join(made), refusal=refusal)


async def _page(
    request: AnyRequest, access: Access, *, made: str = "", refusal: DomainError | None = None
) -> Response[Any]:
    context = {
        "token": await tokens.find_token(access.session),
        "base_url": base_url(portal_of(request, access.brand).origin),
        "made": made,
        "refused": refusal,
    }
    return render_page(access, "tenants/scim.html", translate("Provisioning"), context, refusal=refusal)
