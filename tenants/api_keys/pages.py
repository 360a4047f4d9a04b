"""Page of an account's API keys: the list, a new key that is shown once, and revoking."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.render import redirect_to, render_page
from policy.role_labels import role_label
from tenants.access import Access
from tenants.auth import api_keys
from tenants.auth.api_keys import EXPIRES_SOON, NewApiKey
from tenants.auth.pages import OpenAuth
from tenants.auth.services import AuthServices
from tenants.auth.step_up import STEP_UP
from tenants.lists import API_KEYS
from tenants.permissions import TenantPermission
from tenants.schemas import NewApiKeyView, new_key_view
from tenants.states import KeyUse
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/api-keys", "/clients/{client:str}/api-keys"]
_READ: Final = {"permission": TenantPermission.READ_API_KEYS}
_WRITE: Final = {"permission": TenantPermission.WRITE_API_KEYS} | STEP_UP


@get(_ROOTS, name="api_keys", opt=_READ, dependencies=API_KEYS.page_parameters, include_in_schema=False)
async def list_api_keys_page(access: OpenAccess, auth: OpenAuth, listed: ListParameters) -> Response[Any]:
    return await _keys(access, auth, listed)


@post([f"{path}/new" for path in _ROOTS], opt=_WRITE, include_in_schema=False, status_code=200)
async def create_api_key_page(request: AnyRequest, access: OpenAccess, auth: OpenAuth) -> Response[Any]:
    """Respond with the page instead of a redirect, because the key is shown only once."""
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in ("name", "role", "use", "expires_on")}
    chosen = tuple(str(name) for name in form.getall("permissions", []))
    made: list[NewApiKeyView] = []

    async def create() -> None:
        wanted = NewApiKey(
            new_id(), typed["name"], typed["role"], manages_access="manages_access" in form,
            permissions=chosen or None, expires_at=_read_day(typed["expires_on"]),
            use=KeyUse.OAUTH_CLIENT if typed["use"] == KeyUse.OAUTH_CLIENT else KeyUse.KEY,
        )  # fmt: skip
        key, text = await api_keys.create_api_key(
            access.session, auth.new_secret, wanted, by=access.principal, now=access.now, declared=auth.permissions
        )
        made.append(new_key_view(key, text))

    refusal = await run_action(access.session, create())
    return await _keys(
        access, auth, API_KEYS.parse({}), refusal, typed=typed, chosen=chosen, made=made[0] if made else None
    )


@post([f"{path}/{{key_id:uuid}}/rotate" for path in _ROOTS], opt=_WRITE, include_in_schema=False, status_code=200)
async def rotate_api_key_page(access: OpenAccess, auth: OpenAuth, key_id: FromPath[UUID]) -> Response[Any]:
    """Respond with the page instead of a redirect, because the key is shown only once."""
    made: list[NewApiKeyView] = []

    async def rotate() -> None:
        key, text = await api_keys.rotate_api_key(access.session, auth.new_secret, key_id=key_id, now=access.now)
        made.append(new_key_view(key, text))

    refusal = await run_action(access.session, rotate())
    return await _keys(access, auth, API_KEYS.parse({}), refusal, made=made[0] if made else None)


@post([f"{path}/{{key_id:uuid}}/revoke" for path in _ROOTS], opt=_WRITE, include_in_schema=False)
async def revoke_api_key_page(access: OpenAccess, auth: OpenAuth, key_id: FromPath[UUID]) -> Response[Any]:
    revoking = api_keys.revoke_api_key(access.session, key_id=key_id, now=access.now)
    refusal = await run_action(access.session, revoking)
    if refusal is not None:
        return await _keys(access, auth, API_KEYS.parse({}), refusal)
    return redirect_to(access, "/api-keys", done=translate("API key revoked"))


API_KEY_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_api_keys_page,
    export_page(API_KEYS, _ROOTS, opt=_READ),
    create_api_key_page,
    rotate_api_key_page,
    revoke_api_key_page,
)


async def _keys(  # noqa: PLR0913 - keyword-only parts of one page
    access: Access,
    auth: AuthServices,
    listed: ListInput,
    refusal: DomainError | None = None,
    *,
    typed: dict[str, str] | None = None,
    chosen: Sequence[str] = (),
    made: NewApiKeyView | None = None,
) -> Response[Any]:
    """Render the list. `made` is a new key, shown this once; `typed` a form that was sent."""
    found = await load_page(access, API_KEYS, listed)
    allowed = api_keys.allowed_roles(in_msp_account=access.client is None, by=access.principal)
    context = {
        "listed": list_view(API_KEYS, listed, found, f"{access.root}/api-keys"),
        "roles": [(role, role_label(role)) for role in sorted(allowed)],
        "role_label": role_label,
        "made": made,
        "soon": access.now + EXPIRES_SOON,
        "uses": [(str(use), translate(use.label)) for use in KeyUse],
        "permissions": _permissions(access, auth),
        "chosen": chosen,
        "typed": typed or {},
        "shown": typed is not None and not made,
        "refused": refusal,
    }
    return render_page(
        access, "tenants/api_keys.html", translate("API keys"), context, refusal=refusal or listed.refusal
    )


def _permissions(access: Access, auth: AuthServices) -> list[tuple[str, str]]:
    """Permissions of the reader: a key never has more."""
    own = ((code, translate(label)) for code, label in auth.permissions.items() if access.may(code))
    return sorted(own, key=lambda pair: pair[1])


def _read_day(typed: str) -> datetime | None:
    """The beginning of a day in UTC. Raises InvalidInput."""
    if not typed:
        return None
    try:
        return datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput(N_("Enter a day such as 2026-11-29."), field="expires_on") from None
