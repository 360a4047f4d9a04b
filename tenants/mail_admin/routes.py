"""API of an MSP's mails and of its mail server."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, JSONBody

from foundation.errors import NotFound
from foundation.marks import N_
from foundation.rooms import AppServices
from foundation.web.api import delete, post, put
from tenants.auth.step_up import STEP_UP
from tenants.mail import servers
from tenants.mail.mailer import Mailer
from tenants.mail.servers import MailServerInput, find_mail_server, set_mail_server
from tenants.mail_admin.lists import MAILS
from tenants.mail_admin.queries import get_mail_view
from tenants.mail_admin.schemas import MailServerView, MailTextView, MailView, server_view
from tenants.mail_admin.use_cases import send_again, send_test_mail, show_mail
from tenants.members.repository import get_member
from tenants.permissions import TenantPermission
from tenants.recipients import recipient_of
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of
from tenants.web.lists import list_route

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": TenantPermission.READ_MAILS}
_WRITE: Final = {"permission": TenantPermission.WRITE_MAIL_SERVER}
_SET: Final = _WRITE | STEP_UP
_FLEET: Final = {"fleet": True}
_SERVER: Final = "/api/v1/mail-server"
_ONE: Final = "/api/v1/mails/{mail_id:uuid}"

MAIL_LIST: Final = list_route(
    MAILS,
    "/api/v1/mails",
    opt=_READ | _FLEET,
    tags=["mail"],
    about="List the mails to members of your account and of your clients, newest first.",
)


@get(_SERVER, opt=_READ, tags=["mail"])
async def show_mail_server(access: OpenAccess) -> MailServerView:
    """Show your mail server. 404 if you have set none; mails are then sent by the installation's."""
    server = await find_mail_server(access.session)
    if server is None:
        raise NotFound(N_("No mail server is set."))
    return server_view(server)


@delete(_SERVER, opt=_SET, tags=["mail"])
async def remove_mail_server(access: OpenAccess) -> None:
    """Remove your mail server. Mails are sent by the installation's from now on."""
    await servers.remove_mail_server(access.session, now=access.now)


def build_mail_routes(services: AppServices) -> tuple[Any, ...]:
    mailer, vault, settings = services.get(Mailer), services.vault, services.settings.mail

    @put(_SERVER, opt=_SET, tags=["mail"], status_code=200)
    async def save_mail_server(access: OpenAccess, data: JSONBody[MailServerInput]) -> MailServerView:
        """Set the mail server that sends your brands' mails. The password is stored encrypted and never shown."""
        await set_mail_server(access.session, vault, data, now=access.now)
        access.session.expire_all()
        return await show(access)

    @post("/api/v1/mail-server/test", opt=_WRITE, tags=["mail"], status_code=202)
    async def request_test_mail(request: AnyRequest, access: OpenAccess) -> MailView:
        """Send a test mail to yourself, or to the member who created the API key. Its state is the result."""
        principal = access.principal
        member = await get_member(access.session, principal.on_behalf_of_id or principal.id)
        to = await recipient_of(access.session, member)
        portal = portal_of(request, access.brand)
        mail_id = await send_test_mail(access.session, mailer, to, portal=portal, now=access.now)
        return await get_mail_view(access.session, mail_id, MAILS.query())

    @post(f"{_ONE}/send", opt=_WRITE | _FLEET, tags=["mail"], status_code=204)
    async def send_mail_again(access: OpenAccess, mail_id: FromPath[UUID]) -> None:
        """Send a mail again that was not sent."""
        view = await get_mail_view(access.session, mail_id, MAILS.query())
        await access.enter_account(view.tenant_id)
        await send_again(access.session, mail_id, now=access.now)

    @get(f"{_ONE}/text", opt=_READ | _FLEET, tags=["mail"])
    async def show_mail_text(access: OpenAccess, mail_id: FromPath[UUID]) -> MailTextView:
        """Show the text of a mail. Only installations that show mails instead of sending them have it."""
        view = await get_mail_view(access.session, mail_id, MAILS.query())
        await access.enter_account(view.tenant_id)
        letter = await show_mail(access.session, mailer, settings, mail_id)
        return MailTextView(view, letter.subject, letter.text)

    async def show(access: Any) -> MailServerView:
        server = await find_mail_server(access.session)
        if server is None:
            raise NotFound
        return server_view(server)

    return (
        MAIL_LIST,
        show_mail_server,
        save_mail_server,
        remove_mail_server,
        request_test_mail,
        send_mail_again,
        show_mail_text,
    )
