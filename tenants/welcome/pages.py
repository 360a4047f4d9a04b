"""Page for the choice of a password, opened by an invitation's link."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath

from branding.brand import Brand
from branding.pages import ShownBrand
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.requests import PUBLIC_FORM_BYTES
from tenants.auth.csrf import FIELD
from tenants.auth.pages import (
    AnyRequest,
    OpenAuth,
    address_of,
    continue_sign_in,
    find_signed_in,
    form_text,
    msp_of,
    render_form,
    require_own_form,
)
from tenants.auth.services import AuthServices
from tenants.errors import CrossSiteRequest, WeakPassword
from tenants.invitations.accept import InvitationLink, InvitationPreview, accept_invitation, preview_invitation
from tenants.members.repository import read_invite

_PUBLIC: Final = {"public": True}


@get("/welcome/{token:str}", name="welcome", opt=_PUBLIC, include_in_schema=False)
async def show_welcome_page(
    request: AnyRequest, token: FromPath[str], brand: ShownBrand, auth: OpenAuth
) -> Response[Any]:
    """Target of an invitation's link. GET does not use up the link: mail scanners open every link."""
    preview = await preview_invitation(auth, _invitation_link(request, brand, token))
    return await _welcome_form(request, brand, auth, token, preview)


@post("/welcome/{token:str}", opt=_PUBLIC, include_in_schema=False, request_max_body_size=PUBLIC_FORM_BYTES)
async def accept_invitation_page(
    request: AnyRequest, token: FromPath[str], brand: ShownBrand, auth: OpenAuth
) -> Response[Any]:
    """Set the password and sign in."""
    link, form = _invitation_link(request, brand, token), await request.form()
    try:
        require_own_form(request, form_text(form, FIELD))
        password, again = form_text(form, "password"), form_text(form, "again")
        principal = await accept_invitation(auth, link, password=password, again=again)
    except (WeakPassword, CrossSiteRequest) as refusal:
        preview = await preview_invitation(auth, link)
        return await _welcome_form(request, brand, auth, token, preview, refusal=refusal)
    return await continue_sign_in(request, brand, auth, principal, "")


WELCOME_PAGES: Final = (show_welcome_page, accept_invitation_page)


async def _welcome_form(  # noqa: PLR0913 - as `_sign_in_form`, with whose link it is
    request: AnyRequest,
    brand: Brand,
    auth: AuthServices,
    token: str,
    preview: InvitationPreview,
    *,
    refusal: DomainError | None = None,
) -> Response[Any]:
    signed_in = await find_signed_in(request, brand, auth)
    context = {
        "template": "tenants/welcome.html",
        "title": translate("Choose your password"),
        "action": f"/welcome/{token}",
        "offer": preview,
        "signed_in": signed_in.principal.name if signed_in is not None else "",
    }
    return render_form(request, brand, auth, context, refusal=refusal)


def _invitation_link(request: AnyRequest, brand: Brand, token: str) -> InvitationLink:
    """Raises: InviteNotValid."""
    return InvitationLink(msp_of(brand), read_invite(token), address_of(request))
