"""`fairlead mail`: an MSP's mail server, and mails that were not sent."""

from pathlib import Path
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from branding.directory import read_own_brand
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.errors import InvalidInput, NotFound
from foundation.i18n.catalogues import SOURCE_LANGUAGE
from foundation.mail_settings import DEFAULT_PORT, SmtpTls
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.mail.mailer import Mailer, Portal, Recipient
from tenants.mail.servers import MailServerInput, find_mail_server, remove_mail_server, set_mail_server
from tenants.mail_admin.schemas import server_view
from tenants.mail_admin.use_cases import send_again, send_test_mail


@click.group(cls=NounGroup)
def mail() -> None:
    """Outgoing mail of an MSP: its server, a test, and mails that were not sent."""


def _read_password(path: Path) -> str:
    """Raises InvalidInput: the file is no text."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise InvalidInput("The password file is not UTF-8 text.", field="password_file") from None


@mail.command("show")
@MSP
def show(*, msp_id: UUID) -> None:
    """Show an MSP's own mail server."""

    async def act(session: AsyncSession) -> CommandResult:
        return await _shown(session)

    run_in_account(operator_scope(msp_id, msp_id), act)


@mail.command("set")
@MSP
@click.option("--host", required=True, help="Name of the mail server, such as mail.example.com.")
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True, help="Its port.")
@click.option(
    "--tls", type=click.Choice([one.value for one in SmtpTls]), default=SmtpTls.STARTTLS.value, help="Encryption."
)
@click.option("--user", default="", help="User name; without it, there is no authentication.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the password; without it, the stored one is kept.",
)
@click.option("--from", "from_address", default="", help="Sender's address; without it, the brand's support address.")
def set_server(  # noqa: PLR0913 - the options of one server
    *, msp_id: UUID, host: str, port: int, tls: str, user: str, password_file: Path | None, from_address: str
) -> None:
    """Set the mail server that sends an MSP's mails."""
    password = None if password_file is None else _read_password(password_file)

    async def act(services: AppServices) -> CommandResult:
        wanted = MailServerInput(host, port, SmtpTls.of(tls), user, password, from_address)
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            await set_mail_server(session, services.vault, wanted, now=utc_now())
            session.expire_all()
            return await _shown(session)

    run_with_services(act)


@mail.command("remove")
@MSP
def remove(*, msp_id: UUID) -> None:
    """Remove an MSP's mail server; the installation's is used from now on."""

    async def act(session: AsyncSession) -> CommandResult:
        await remove_mail_server(session, now=utc_now())
        return CommandResult("The mail server is removed.", {"removed": True})

    run_in_account(operator_scope(msp_id, msp_id), act)


@mail.command("test")
@MSP
@click.option("--to", required=True, help="Address that gets the test mail.")
def test(*, msp_id: UUID, to: str) -> None:
    """Queue a test mail. Its state in the list of mails is the result."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            brand = await read_own_brand(session)
            mail_id = await send_test_mail(
                session, services.get(Mailer), Recipient(to, to, SOURCE_LANGUAGE), portal=Portal("", brand.id),
                now=utc_now(),
            )  # fmt: skip
        return CommandResult(f"A test mail to {to} is queued.", {"id": mail_id})

    run_with_services(act)


@mail.command("send")
@MSP
@CLIENT_OR_MSP
@click.option("--mail", "mail_id", type=click.UUID, required=True, help="ID of a mail that was not sent.")
def send(*, msp_id: UUID, tenant_id: UUID | None, mail_id: UUID) -> None:
    """Send a mail again that was not sent."""

    async def act(session: AsyncSession) -> CommandResult:
        await send_again(session, mail_id, now=utc_now())
        return CommandResult("The mail is queued again.", {"id": mail_id})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


async def _shown(session: AsyncSession) -> CommandResult:
    server = await find_mail_server(session)
    if server is None:
        raise NotFound("The MSP has no mail server of its own.")
    user = f", user {server.username}" if server.username else ""
    sender = f", from {server.from_address}" if server.from_address else ""
    return CommandResult(
        f"{server.host}:{server.port} ({server.tls}){user}{sender}", msgspec.to_builtins(server_view(server))
    )


COMMANDS = (CliCommand(command=mail),)
