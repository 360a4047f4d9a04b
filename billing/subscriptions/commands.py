"""`fairlead subscription`."""

from datetime import datetime
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.pricing.periods import local_instant
from billing.subscriptions.acts import add_step, preview_step, preview_subscription, subscribe, undo_step
from billing.subscriptions.schemas import ChargePreview, StepInput, SubscriptionInput
from billing.subscriptions.states import StepKind
from billing.subscriptions.views import list_subscriptions
from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    build_input,
    operator_scope,
    read_pairs,
    run_in_account,
)
from foundation.ids import new_id
from foundation.rooms import CliCommand
from tenants.accounts import get_client
from tenants.command_options import CLIENT, MSP

_DATE: Final = click.DateTime(formats=["%Y-%m-%d"])
_ONE: Final = click.option("--subscription", "subscription_id", type=click.UUID, required=True, help="Its ID.")
_QUANTITY: Final = click.IntRange(0, 1_000_000)
_REASON: Final = click.option("--reason", default="", help="For the history and the audit trail.")
_VERSION: Final = click.option("--version", type=click.IntRange(1, 100_000), help="Of the plan; default: by date.")
_ADD_ON: Final = click.option("--add-on", "add_ons", multiple=True, help="Code and quantity, such as backup=2.")
_PREVIEW: Final = click.option("--preview", is_flag=True, help="Only show what it charges.")


@click.group(cls=NounGroup)
def subscription() -> None:
    """Subscriptions of clients to plans."""


@subscription.command("list")
@MSP
@CLIENT
def list_(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List a client's subscriptions with their state and next charge."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await list_subscriptions(session, utc_now())
        lines = [
            f"{one.id}  {one.plan.code}  {one.quantity}  {one.state}"
            + (f"  {one.next_charge.amount_minor} on {one.next_charge.due:%Y-%m-%d}" if one.next_charge else "")
            for one in found
        ]
        return CommandResult("\n".join(lines) or "no subscriptions", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@subscription.command("create")
@MSP
@CLIENT
@click.option("--plan", required=True, help="Code of the plan.")
@_VERSION
@_ADD_ON
@click.option("--quantity", type=_QUANTITY, default=1, show_default=True, help="Seats.")
@click.option("--from", "begins", type=_DATE, help="First day in the client's time zone; default: today.")
@click.option("--anniversary", is_flag=True, help="Periods begin on the first day, not with the calendar.")
@_REASON
@_PREVIEW
def create(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    plan: str,
    version: int | None,
    add_ons: tuple[str, ...],
    quantity: int,
    begins: datetime | None,
    anniversary: bool,
    reason: str,
    preview: bool,
) -> None:
    """Subscribe a client to a plan."""
    given = {
        "plan": plan, "version": version, "add_ons": _quantities(add_ons), "quantity": quantity,
        "calendar": not anniversary, "reason": reason, "starts_on": begins.date() if begins else None,
    }  # fmt: skip
    new = build_input(SubscriptionInput, given)

    async def act(session: AsyncSession) -> CommandResult:
        zone = await _zone(session)
        if preview:
            return _foreseen(await preview_subscription(session, zone, new, now=utc_now(), new_id=new_id))
        made = await subscribe(session, zone, new, now=utc_now(), new_id=new_id)
        return CommandResult(f"subscription {made}", {"id": made, "plan": plan})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@subscription.command("step")
@MSP
@CLIENT
@_ONE
@click.option("--do", "kind", type=click.Choice([one.value for one in StepKind]), required=True, help="What happens.")
@click.option("--plan", help="Code of the new plan.")
@_VERSION
@_ADD_ON
@click.option("--quantity", type=_QUANTITY, help="New number of seats.")
@click.option("--when", type=click.Choice(["now", "period_end"]), help="Default: by rule.")
@click.option("--at", "at", type=_DATE, help="The start of a day in the client's time zone, also in the past.")
@click.option("--keep-charge", is_flag=True, help="Do not credit the rest of the period at an end.")
@_REASON
@_PREVIEW
def step(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    subscription_id: UUID,
    kind: str,
    plan: str | None,
    version: int | None,
    add_ons: tuple[str, ...],
    quantity: int | None,
    when: str | None,
    at: datetime | None,
    keep_charge: bool,
    reason: str,
    preview: bool,
) -> None:
    """Change, pause, resume or cancel a subscription."""
    given = {
        "kind": kind, "plan": plan, "version": version, "add_ons": _quantities(add_ons) or None, "quantity": quantity,
        "when": when, "reason": reason, "credits": not keep_charge,
    }  # fmt: skip
    typed = build_input(StepInput, given)

    async def act(session: AsyncSession) -> CommandResult:
        day = local_instant(at, await _zone(session)) if at else None
        wanted = msgspec.structs.replace(typed, at=day)
        if preview:
            return _foreseen(await preview_step(session, subscription_id, wanted, now=utc_now(), new_id=new_id))
        made = await add_step(session, subscription_id, wanted, now=utc_now(), new_id=new_id)
        return CommandResult(f"{made.kind} at {made.at:%Y-%m-%d %H:%M} UTC", {"id": made.id, "at": made.at})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@subscription.command("undo")
@MSP
@CLIENT
@_ONE
@click.option("--step", "step_id", type=click.UUID, required=True, help="ID of a step that lies ahead.")
@_REASON
def undo(*, msp_id: UUID, tenant_id: UUID, subscription_id: UUID, step_id: UUID, reason: str) -> None:
    """Take back a step that lies ahead."""

    async def act(session: AsyncSession) -> CommandResult:
        await undo_step(session, subscription_id, step_id, reason, now=utc_now())
        return CommandResult("The step is undone.", {"id": step_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


async def _zone(session: AsyncSession) -> str:
    return (await get_client(session)).time_zone or "UTC"


def _quantities(typed: tuple[str, ...]) -> dict[str, str]:
    return dict(read_pairs(typed, "--add-on"))


def _foreseen(found: ChargePreview) -> CommandResult:
    lines = [f"{line.month:%Y-%m}  {line.name}  {line.kind}  {line.amount_minor}" for line in found.lines]
    total = f"{found.total_minor} minor units of {found.currency}"
    return CommandResult("\n".join([*lines, total]), msgspec.to_builtins(found))


COMMANDS: Final = (CliCommand(command=subscription),)
