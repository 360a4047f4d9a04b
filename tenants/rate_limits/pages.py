"""Page of an account's rate limits."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.permissions import TenantPermission
from tenants.rate_limits.manage import load_rate_limits, set_rate_limits
from tenants.rate_limits.schemas import RateLimitInput
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/rate-limits", "/clients/{client:str}/rate-limits"]
_READ: Final = {"permission": TenantPermission.READ_API_KEYS}
_WRITE: Final = {"permission": TenantPermission.CREATE_CLIENT}
_FIELDS: Final = ("per_caller", "per_account")
_LONGEST: Final = 9


@get(_ROOTS, name="rate_limits", opt=_READ, include_in_schema=False)
async def show_rate_limits_page(access: OpenAccess) -> Response[Any]:
    found = await load_rate_limits(access.session)
    typed = {"per_caller": found.set_per_caller or "", "per_account": found.set_per_account or ""}
    return await _show(access, typed)


@post(_ROOTS, opt=_WRITE, include_in_schema=False)
async def save_rate_limits_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    form = await request.form()
    typed = {name: str(form.get(name, "")).strip() for name in _FIELDS}
    refusal = await run_action(access.session, _save(access, typed))
    if refusal is not None:
        return await _show(access, typed, refusal)
    return redirect_to(access, "/rate-limits", done=translate("Saved"))


async def _save(access: Access, typed: dict[str, str]) -> None:
    wanted = RateLimitInput(**{name: _number(name, text) for name, text in typed.items()})
    await set_rate_limits(access.session, wanted, now=access.now)


def _number(field: str, text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST):
        raise InvalidInput(N_("Enter a whole number, such as 600."), field=field)
    return int(text)


async def _show(access: Access, typed: dict[str, Any], refusal: DomainError | None = None) -> Template:
    context = {
        "typed": typed,
        "limits": await load_rate_limits(access.session),
        "errors": dict.fromkeys(_FIELDS, "") | _error(refusal),
    }
    return render_page(access, "tenants/rate_limits.html", translate("Rate limits"), context, refusal=refusal)


def _error(refusal: DomainError | None) -> dict[str, str]:
    return {str(refusal.extra.get("field", "")): refusal.detail} if refusal is not None else {}


RATE_LIMIT_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_rate_limits_page, save_rate_limits_page)
