"""`fairlead notification`: notifications of a member, and which ones they get."""

from uuid import UUID

import click
import msgspec

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.members.repository import find_member
from tenants.notifications.kinds import NoticeSeverity
from tenants.notifications.manage import load_settings, mark_all_read, save_settings, settings_view
from tenants.notifications.schemas import NotificationSettings

_EMAIL = click.option("--email", required=True, help="The member's e-mail address.")


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
    type=click.Choice([str(one) for one in NoticeSeverity]),
    help="The least severe ones that they want.",
)
def settings(*, msp_id: UUID, tenant_id: UUID | None, email: str, muted: tuple[str, ...], least_severity: str) -> None:
    """Set which notifications a member gets; without --mute, every kind."""

    async def act(services: AppServices) -> CommandResult:
        chosen = NotificationSettings(list(muted), least_severity)  # type: ignore[arg-type]
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            member = await find_member(session, email)
            await save_settings(session, member.id, chosen, now=utc_now())
        return CommandResult(f"The settings of {member.email} are saved.", msgspec.to_builtins(settings_view(chosen)))

    run_with_services(act)


@notification.command()
@MSP
@CLIENT_OR_MSP
@_EMAIL
def show(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Show the kinds of notifications, and which of them a member has muted."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            member = await find_member(session, email)
            found = settings_view(await load_settings(session, member.id))
        lines = [f"{one.code}  {one.severity}{'  muted' if one.muted else ''}" for one in found.kinds]
        return CommandResult("\n".join(lines), msgspec.to_builtins(found))

    run_with_services(act)


@notification.command("mark-read")
@MSP
@CLIENT_OR_MSP
@_EMAIL
def mark_read(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Mark all notifications of a member as read."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            member = await find_member(session, email)
            number = await mark_all_read(session, member.id, now=utc_now())
        return CommandResult(f"{number} notifications of {member.email} are marked as read.", {"read": number})

    run_with_services(act)


COMMANDS = (CliCommand(command=notification),)
