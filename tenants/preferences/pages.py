"""Page of a member's own language, time zone and keyboard shortcuts."""

from dataclasses import replace
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect, Template

from branding.brand import Brand
from branding.hosts import request_origin
from branding.pages import ShownBrand
from branding.shell import Page
from foundation.database.engine import Database
from foundation.errors import DomainError, NotFound
from foundation.i18n.catalogues import LANGUAGES
from foundation.i18n.localizer import translate, use_localizer
from foundation.i18n.negotiation import localizer_of, time_zones
from foundation.marks import N_
from foundation.scope import Scope
from foundation.web.boundary import header_text
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.auth.csrf import FIELD, make_token, require_same_site
from tenants.auth.identity import SignedIn, identify_member
from tenants.auth.pages import OpenAuth
from tenants.auth.services import AuthServices
from tenants.auth.sessions import cookie_rule
from tenants.members.repository import get_member
from tenants.preferences.set_preferences import MemberPreferences, set_member_preferences
from tenants.principal import home_scope

AnyRequest = Request[Any, Any, Any]
_HEADERS: Final = {"Cache-Control": "no-store"}
_PUBLIC: Final = {"public": True}
_SIGN_IN: Final = "/sign-in?next=/settings"


@get("/settings", name="settings", opt=_PUBLIC, include_in_schema=False)
async def show_preferences_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    """The page of every member: no permission is needed besides being signed in."""
    who = await _signed_in(request, brand.msp_id, auth)
    if who is None:
        return Redirect(_SIGN_IN, status_code=303, headers=_HEADERS)
    return await _show(request, brand, auth, who, await _load(auth.db, who))


@post("/settings", opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES)
async def save_preferences_page(request: AnyRequest, brand: ShownBrand, auth: OpenAuth) -> Response[Any]:
    who = await _signed_in(request, brand.msp_id, auth)
    if who is None:
        return Redirect(_SIGN_IN, status_code=303, headers=_HEADERS)
    form = await request.form()
    require_same_site(
        method=request.method,
        headers=request.headers,
        origin=request_origin(request.scope),
        token=str(form.get(FIELD, "")),
        secret=who.session.secret,
    )
    wanted = MemberPreferences(
        str(form.get("language", "")), str(form.get("time_zone", "")), shortcuts="shortcuts" in form
    )
    try:
        async with auth.db.transaction(_own_scope(who)) as session:
            await set_member_preferences(session, who.principal.id, wanted, now=auth.clock())
    except NotFound:
        raise
    except DomainError as refusal:
        return await _show(request, brand, auth, who, wanted, refusal)
    return Redirect("/settings?saved=1", status_code=303, headers=_HEADERS)


async def _signed_in(request: AnyRequest, msp_id: Any, auth: AuthServices) -> SignedIn | None:
    if msp_id is None:
        raise NotFound
    rule = cookie_rule(scheme=request.scope["scheme"], host=header_text(request.scope, b"host"))
    who = await identify_member(auth, msp_id=msp_id, cookie=rule.session_of(request.cookies))
    if who is not None and who.principal.language:
        use_localizer(localizer_of(who.principal.language, who.principal.time_zone))
    return who


def _own_scope(who: SignedIn) -> Scope:
    """The scope without the partner, in which members are visible. Only the caller's own row is used here."""
    return replace(home_scope(who.principal), partner_id=None)


async def _load(db: Database, who: SignedIn) -> MemberPreferences:
    async with db.transaction(_own_scope(who)) as session:
        member = await get_member(session, who.principal.id)
        return MemberPreferences(member.language or "", member.time_zone or "", shortcuts=member.shortcuts)


async def _show(  # noqa: PLR0913, PLR0917 - the parts of one form
    request: AnyRequest,
    brand: Brand,
    auth: AuthServices,
    who: SignedIn,
    chosen: MemberPreferences,
    refusal: DomainError | None = None,
) -> Response[Any]:
    inherited = translate(N_("Same as the account"))
    context = {
        "page": Page(
            brand=brand,
            title=translate(N_("Your settings")),
            now=auth.clock(),
            csrf_token=make_token(who.session.secret, auth.new_secret),
        ),
        "chosen": chosen,
        "languages": [("", inherited), *LANGUAGES.items()],
        "zones": [("", inherited), *((name, name.replace("_", " ")) for name in sorted(time_zones()))],
        "saved": "saved" in request.query_params,
        "refusal": refusal,
    }
    status = 200 if refusal is None else int(refusal.status)
    return Template("tenants/settings.html", context=context, status_code=status, headers=_HEADERS)


PREFERENCE_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (show_preferences_page, save_preferences_page)
