"""Pages of an MSP's mails and of its mail server."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.mail_settings import DEFAULT_PORT, MailSettings, SmtpTls
from foundation.marks import N_
from foundation.rooms import AppServices
from foundation.vault.vault import Vault
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.mail.mailer import Mailer
from tenants.mail.servers import MailServerInput, find_mail_server, remove_mail_server, set_mail_server
from tenants.mail.states import MailState
from tenants.mail_admin.lists import MAILS
from tenants.mail_admin.queries import get_mail_view
from tenants.mail_admin.use_cases import send_again, send_test_mail, show_mail
from tenants.members.repository import get_member
from tenants.permissions import TenantPermission
from tenants.recipients import recipient_of
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": TenantPermission.READ_MAILS}
_WRITE: Final = {"permission": TenantPermission.WRITE_MAIL_SERVER}
_SET: Final = _WRITE | STEP_UP
_FLEET: Final = {"fleet": True}
_FIELDS: Final = ("host", "port", "tls", "username", "password", "from_address")
_KINDS: Final[Mapping[str, str]] = {
    MailState.QUEUED: "info",
    MailState.SENT: "ok",
    MailState.KEPT: "neutral",
    MailState.FAILED: "bad",
}
"""Kind of badge by state."""


@get("/mail", name="mails", opt=_READ | _FLEET, dependencies=MAILS.page_parameters, include_in_schema=False)
async def list_mails_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, MAILS, listed)
    context = {"listed": list_view(MAILS, listed, found, "/mail"), "states": _states()}
    return render_page(access, "tenants/mails.html", translate("Mails"), context, refusal=listed.refusal)


def build_mail_pages(services: AppServices) -> tuple[HTTPRouteHandler, ...]:
    mailer, vault, settings = services.get(Mailer), services.vault, services.settings.mail

    @get("/mail/{mail_id:uuid}", name="mail", opt=_READ | _FLEET, include_in_schema=False)
    async def show_mail_page(access: OpenAccess, mail_id: FromPath[UUID]) -> Response[Any]:
        view = await get_mail_view(access.session, mail_id, MAILS.query())
        letter = None
        if settings.mailbox and view.state in {MailState.KEPT, MailState.FAILED}:
            await access.enter_account(view.tenant_id)
            letter = await show_mail(access.session, mailer, settings, mail_id)
        context = {"mail": view, "letter": letter, "states": _states()}
        return render_page(access, "tenants/mail_text.html", view.title, context)

    @post("/mail/{mail_id:uuid}/send", opt=_WRITE | _FLEET, include_in_schema=False)
    async def send_mail_again_page(access: OpenAccess, mail_id: FromPath[UUID]) -> Response[Any]:
        view = await get_mail_view(access.session, mail_id, MAILS.query())
        await access.enter_account(view.tenant_id)
        refusal = await run_action(access.session, send_again(access.session, mail_id, now=access.now))
        if refusal is not None:
            raise refusal
        return redirect_to(access, "/mail", done=translate("The mail is sent again"))

    @get("/mail/server", name="mail_server", opt=_READ, include_in_schema=False)
    async def show_mail_server_page(access: OpenAccess) -> Response[Any]:
        return await _server_page(access, settings, None)

    @post("/mail/server", opt=_SET, include_in_schema=False)
    async def set_mail_server_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        form = await request.form()
        typed = {name: str(form.get(name, "")).strip() for name in _FIELDS}
        refusal = await run_action(access.session, _set(access, vault, typed))
        if refusal is not None:
            return await _server_page(access, settings, typed, refusal)
        return redirect_to(access, "/mail/server", done=translate("Mail server saved"))

    @post("/mail/server/remove", opt=_SET, include_in_schema=False)
    async def remove_mail_server_page(access: OpenAccess) -> Response[Any]:
        await remove_mail_server(access.session, now=access.now)
        return redirect_to(access, "/mail/server", done=translate("Mail server removed"))

    @post("/mail/test", opt=_WRITE, include_in_schema=False)
    async def send_test_mail_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        """Send a test mail to the requesting member."""
        member = await get_member(access.session, access.principal.id)
        to = await recipient_of(access.session, member)
        await send_test_mail(access.session, mailer, to, portal=portal_of(request, access.brand), now=access.now)
        return redirect_to(access, "/mail", done=translate("A test mail to {email} is on its way", email=member.email))

    return (
        list_mails_page,
        export_page(MAILS, "/mail", opt=_READ | _FLEET),
        show_mail_page,
        send_mail_again_page,
        show_mail_server_page,
        set_mail_server_page,
        remove_mail_server_page,
        send_test_mail_page,
    )


async def _set(access: Access, vault: Vault, typed: Mapping[str, str]) -> None:
    """Raises: InvalidInput."""
    if not (typed["port"].isascii() and typed["port"].isdigit() and len(typed["port"]) <= 5):
        raise InvalidInput(N_("A port is a number from 1 to 65535."), field="port")
    if typed["tls"] not in list(SmtpTls):
        raise InvalidInput(N_("Choose how the connection is encrypted."), field="tls")
    wanted = MailServerInput(
        typed["host"], int(typed["port"]), SmtpTls.of(typed["tls"]), typed["username"], typed["password"] or None,
        typed["from_address"],
    )  # fmt: skip
    await set_mail_server(access.session, vault, wanted, now=access.now)


async def _server_page(
    access: Access, settings: MailSettings, typed: Mapping[str, str] | None, refusal: DomainError | None = None
) -> Response[Any]:
    server = await find_mail_server(access.session)
    shown = dict.fromkeys(_FIELDS, "") | {"port": str(DEFAULT_PORT), "tls": SmtpTls.STARTTLS.value}
    if server is not None:
        shown |= {
            "host": server.host, "port": str(server.port), "tls": server.tls, "username": server.username,
            "from_address": server.from_address,
        }  # fmt: skip
    field = "" if refusal is None else str(refusal.extra.get("field", "host"))
    field = "from_address" if field == "email" else field
    context = {
        "server": server,
        "typed": shown | dict(typed or {}) | {"password": ""},
        "ways": [(one.value, translate(one.label)) for one in SmtpTls],
        "errors": dict.fromkeys(_FIELDS, "") | ({field: refusal.detail} if refusal else {}),
        "summary": [(field, refusal.detail)] if refusal else [],
        "has_default": settings.server is not None,
        "mailbox": settings.mailbox,
    }
    return render_page(access, "tenants/mail_server.html", translate("Mail server"), context, refusal=refusal)


def _states() -> dict[str, tuple[str, str]]:
    return {state.value: (translate(state.label), _KINDS[state]) for state in MailState}
