"""`fairlead notification`: notifications of a member, and which ones they get."""

from typing import Any, Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from branding.hosts import origin_of
from branding.manage import list_brands
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.mail.mailer import Portal
from tenants.members.repository import find_member
from tenants.notifications.delivery import DAILY_AT
from tenants.notifications.kinds import NoticeSeverity
from tenants.notifications.manage import load_settings, mark_all_read, save_settings, settings_view
from tenants.notifications.schemas import NotificationSettings
from tenants.notifications.timing import MailMode

_EMAIL = click.option("--email", required=True, help="The member's e-mail address.")
_SEVERITIES: Final = click.Choice([str(one) for one in NoticeSeverity])
_MODES: Final = click.Choice([str(one) for one in MailMode])


@click.group(cls=NounGroup)
def notification() -> None:
    """Notifications of members."""


@notification.command()
@MSP
@CLIENT_OR_MSP
@_EMAIL
@click.option("--mute", "muted", multiple=True, metavar="KIND", help="A kind they do not want; repeatable.")
@click.option(
    "--least-severity",
    default="info",
    type=_SEVERITIES,
    help="The least severe ones that they want.",
)
@click.option("--mail", default="off", type=_MODES, help="When they get mails.")
@click.option("--mail-kind", "mail_kinds", multiple=True, metavar="KIND=MODE", help="Mails of one kind; repeatable.")
@click.option("--mail-least-severity", default="info", type=_SEVERITIES, help="The least severe ones that are mailed.")
@click.option("--webhook-kind", "webhook_kinds", multiple=True, metavar="KIND", help="A kind for webhooks; repeatable.")
@click.option("--webhook-least-severity", default="info", type=_SEVERITIES, help="The least severe ones for webhooks.")
@click.option(
    "--quiet-from", default="", metavar="HH:MM", help="When notifications begin to wait, by the member's clock."
)
@click.option("--quiet-until", default="", metavar="HH:MM", help="When they leave again.")
@click.option("--critical-passes", is_flag=True, help="Critical ones do not wait for the end of quiet hours.")
@click.option("--digest-at", default=DAILY_AT, metavar="HH:MM", help="When the daily summary is mailed.")
def settings(*, msp_id: UUID, tenant_id: UUID | None, email: str, mail_kinds: tuple[str, ...], **given: Any) -> None:
    """Set which notifications a member gets; without --mute, every kind. Replaces what was set before."""

    async def act(services: AppServices) -> CommandResult:
        kinds = {kind: mode for kind, _, mode in (one.partition("=") for one in mail_kinds)}
        lists = {name: list(given.pop(name)) for name in ("muted", "webhook_kinds")}
        chosen = NotificationSettings(mail_kinds=kinds, **lists, **given)  # type: ignore[arg-type]
        portal = await _portal(services, msp_id)
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            member = await find_member(session, email)
            await save_settings(session, member.id, chosen, portal=portal, now=utc_now())
        return CommandResult(f"The settings of {member.email} are saved.", msgspec.to_builtins(settings_view(chosen)))

    run_with_services(act)


async def _portal(services: AppServices, msp_id: UUID) -> Portal:
    """Portal of the MSP's first brand, for links in mails; empty while the brand has no host name."""
    async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
        for brand, hosts in await list_brands(session):
            if hosts:
                return Portal(origin_of(hosts[0], services.settings.public_port), brand.id)
    return Portal("", None)


@notification.command()
@MSP
@CLIENT_OR_MSP
@_EMAIL
def show(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Show the kinds of notifications, and which of them a member has muted."""

    async def act(session: AsyncSession) -> CommandResult:
        member = await find_member(session, email)
        found = settings_view(await load_settings(session, member.id))
        lines = [
            f"{one.code}  {one.severity}  mail {one.mail or found.mail}{'  muted' if one.muted else ''}"
            for one in found.kinds
        ]
        return CommandResult("\n".join(lines), msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@notification.command("mark-read")
@MSP
@CLIENT_OR_MSP
@_EMAIL
def mark_read(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Mark all notifications of a member as read."""

    async def act(session: AsyncSession) -> CommandResult:
        member = await find_member(session, email)
        number = await mark_all_read(session, member.id, now=utc_now())
        return CommandResult(f"{number} notifications of {member.email} are marked as read.", {"read": number})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


COMMANDS = (CliCommand(command=notification),)
