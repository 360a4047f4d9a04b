"""Page of an account's API keys: the list, a new key that is shown once, and revoking."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.auth import api_keys
from tenants.auth.api_keys import NewApiKey
from tenants.auth.pages import OpenAuth
from tenants.lists import API_KEYS
from tenants.permissions import TenantPermission
from tenants.role_labels import role_label
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/api-keys", "/clients/{client:str}/api-keys"]
_READ: Final = {"permission": TenantPermission.READ_API_KEYS}
_WRITE: Final = {"permission": TenantPermission.WRITE_API_KEYS}


@get(_ROOTS, name="api_keys", opt=_READ, dependencies=API_KEYS.page_parameters, include_in_schema=False)
async def list_api_keys_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _keys(access, listed)


@post([f"{path}/new" for path in _ROOTS], opt=_WRITE, include_in_schema=False, status_code=200)
async def create_api_key_page(request: AnyRequest, access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    """Respond with the page instead of a redirect, because the key is shown only once."""
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in ("name", "role")}
    wanted = NewApiKey(new_id(), typed["name"], typed["role"], manages_access="manages_access" in form)
    made: list[str] = []

    async def create() -> None:
        _, text = await api_keys.create_api_key(
            access.session, auth.new_secret, wanted, by=access.principal, now=access.now
        )
        made.append(text)

    refusal = await run_action(access.session, create())
    return await _keys(access, API_KEYS.parse({}), refusal, typed=typed, made=made[0] if made else "")


@post([f"{path}/{{key_id:uuid}}/revoke" for path in _ROOTS], opt=_WRITE, include_in_schema=False)
async def revoke_api_key_page(access: OpenAccess, key_id: FromPath[UUID]) -> Response[Any]:
    revoking = api_keys.revoke_api_key(access.session, key_id=key_id, now=access.now)
    refusal = await run_action(access.session, revoking)
    if refusal is not None:
        return await _keys(access, API_KEYS.parse({}), refusal)
    return redirect_to(access, "/api-keys", done=translate("API key revoked"))


API_KEY_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_api_keys_page,
    export_page(API_KEYS, _ROOTS, opt=_READ),
    create_api_key_page,
    revoke_api_key_page,
)


async def _keys(
    access: Access,
    listed: ListInput,
    refusal: DomainError | None = None,
    *,
    typed: dict[str, str] | None = None,
    made: str = "",
) -> Response[Any]:
    """Render the list. `made` is a new key, shown this once; `typed` a form that was sent."""
    found = await load_page(access, API_KEYS, listed)
    allowed = api_keys.allowed_roles(in_msp_account=access.client is None, by=access.principal)
    context = {
        "listed": list_view(API_KEYS, listed, found, f"{access.root}/api-keys"),
        "roles": [(role, role_label(role)) for role in sorted(allowed)],
        "role_label": role_label,
        "made": made,
        "typed": typed or {},
        "shown": typed is not None and not made,
        "refused": refusal,
    }
    return render_page(
        access, "tenants/api_keys.html", translate("API keys"), context, refusal=refusal or listed.refusal
    )
