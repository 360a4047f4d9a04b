"""`fairlead notification`: notifications of a member, and which ones they get."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.members.repository import find_member
from tenants.notifications.defaults import clear_default, load_default, save_default
from tenants.notifications.delivery import DAILY_AT
from tenants.notifications.kinds import NoticeSeverity
from tenants.notifications.manage import (
    defaults_view,
    follow_account,
    load_settings,
    mark_all_read,
    save_settings,
    settings_view,
)
from tenants.notifications.portal import find_portal
from tenants.notifications.schemas import DefaultsView, NotificationSettings, SettingsView
from tenants.notifications.timing import MailMode

_EMAIL = click.option("--email", required=True, help="The member's e-mail address.")
_SEVERITIES: Final = click.Choice([str(one) for one in NoticeSeverity])
_MODES: Final = click.Choice([str(one) for one in MailMode])


@click.group(cls=NounGroup)
def notification() -> None:
    """Notifications of members."""


def _choices(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of all settings; the command gets them as one `NotificationSettings`."""
    options = (
        click.option("--mute", "muted", multiple=True, metavar="KIND", help="A kind they do not want; repeatable."),
        click.option(
            "--least-severity", default="info", type=_SEVERITIES, help="The least severe ones that they want."
        ),
        click.option("--mail", default="off", type=_MODES, help="When they get mails."),
        click.option(
            "--mail-kind", "mail_kinds", multiple=True, metavar="KIND=MODE", help="Mails of one kind; repeatable."
        ),
        click.option(
            "--mail-least-severity", default="info", type=_SEVERITIES, help="The least severe ones that are mailed."
        ),
        click.option(
            "--webhook-kind", "webhook_kinds", multiple=True, metavar="KIND", help="A kind for webhooks; repeatable."
        ),
        click.option(
            "--webhook-least-severity", default="info", type=_SEVERITIES, help="The least severe ones for webhooks."
        ),
        click.option(
            "--quiet-from", default="", metavar="HH:MM", help="When notifications begin to wait, by the member's clock."
        ),
        click.option("--quiet-until", default="", metavar="HH:MM", help="When they leave again."),
        click.option("--critical-passes", is_flag=True, help="Critical ones do not wait for the end of quiet hours."),
        click.option("--digest-at", default=DAILY_AT, metavar="HH:MM", help="When the daily summary is mailed."),
    )

    @wraps(command)
    def read(*, mail_kinds: tuple[str, ...], **given: Any) -> None:
        kinds = {kind: mode for kind, _, mode in (one.partition("=") for one in mail_kinds)}
        lists = {name: list(given.pop(name)) for name in ("muted", "webhook_kinds")}
        single = {name: given.pop(name) for name in NotificationSettings.__struct_fields__ if name in given}
        chosen = NotificationSettings(mail_kinds=kinds, **lists, **single)  # type: ignore[arg-type]
        command(chosen=chosen, **given)

    for option in reversed(options):
        read = option(read)
    return read


@notification.command()
@MSP
@CLIENT_OR_MSP
@_EMAIL
@_choices
def settings(*, msp_id: UUID, tenant_id: UUID | None, email: str, chosen: NotificationSettings) -> None:
    """Set which notifications a member gets; without --mute, every kind. Replaces what was set before."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            member = await find_member(session, email)
            portal = await find_portal(session, public_port=services.settings.public_port)
            await save_settings(session, member.id, chosen, portal=portal, now=utc_now())
        return CommandResult(f"The settings of {member.email} are saved.", msgspec.to_builtins(settings_view(chosen)))

    run_with_services(act)


@notification.command()
@MSP
@CLIENT_OR_MSP
@_EMAIL
def follow(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Drop a member's own settings: they get what the account sets for members who have chosen none."""

    async def act(session: AsyncSession) -> CommandResult:
        member = await find_member(session, email)
        await follow_account(session, member.id, now=utc_now())
        return CommandResult(f"{member.email} gets what the account sets.", {"member": str(member.id)})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@notification.command("set-defaults")
@MSP
@CLIENT_OR_MSP
@_choices
def set_defaults(*, msp_id: UUID, tenant_id: UUID | None, chosen: NotificationSettings) -> None:
    """Set the notifications of the account's members who have chosen none. Replaces what was set before."""

    async def act(session: AsyncSession) -> CommandResult:
        await save_default(session, chosen, now=utc_now())
        return CommandResult("The default notifications are saved.", msgspec.to_builtins(defaults_view(chosen)))

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@notification.command("show-defaults")
@MSP
@CLIENT_OR_MSP
def show_defaults(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Show the notifications of the account's members who have chosen none."""

    async def act(session: AsyncSession) -> CommandResult:
        found = defaults_view(await load_default(session))
        heading = [] if found.is_set else ["Nothing is set: everything in the app, and no mails."]
        return CommandResult("\n".join([*heading, *_lines(found)]), msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@notification.command("clear-defaults")
@MSP
@CLIENT_OR_MSP
def clear_defaults(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Remove them: members who have chosen none get everything in the app, and no mails."""

    async def act(session: AsyncSession) -> CommandResult:
        await clear_default(session, now=utc_now())
        return CommandResult("The default notifications are removed.", {})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


def _lines(found: SettingsView | DefaultsView) -> list[str]:
    return [
        f"{one.code}  {one.severity}  mail {one.mail or found.mail}{'  muted' if one.muted else ''}"
        for one in found.kinds
    ]


@notification.command()
@MSP
@CLIENT_OR_MSP
@_EMAIL
def show(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Show the kinds of notifications, and which of them a member has muted."""

    async def act(session: AsyncSession) -> CommandResult:
        member = await find_member(session, email)
        chosen, follows_account = await load_settings(session, member.id)
        found = settings_view(chosen, follows_account=follows_account)
        return CommandResult("\n".join(_lines(found)), msgspec.to_builtins(found))

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
