"""`fairlead control-review`: control reviews of clients."""

from datetime import datetime
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from governance.control_reviews import review
from governance.control_reviews.lists import REVIEW_LIST
from governance.control_reviews.queries import load_review, read_reviews
from governance.control_reviews.schemas import ReviewScheduleInput, ReviewView, SignInput
from governance.control_reviews.states import ReviewCadence
from tenants.command_options import CLIENT, MSP

_REVIEW: Final = click.option("--review", "review_id", type=click.UUID, required=True, help="The review's ID.")


@click.group(cls=NounGroup)
def control_review() -> None:
    """Control reviews: recurring checks of a client's controls, which a person signs."""


@control_review.command("list")
@MSP
def list_(*, msp_id: UUID) -> None:
    """List the control reviews of all clients that are to be signed."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await REVIEW_LIST.load_most(session, utc_now())
        lines = [
            f"{one.id}  {one.client}  due {one.due_on}  {'overdue' if one.is_overdue else one.state}"
            f"  {', '.join(one.unmet)}".rstrip()
            for one in found
        ]
        return CommandResult("\n".join(lines) or "nothing is to be signed", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@control_review.command("schedule")
@MSP
@CLIENT
@click.option("--cadence", required=True, type=click.Choice([*map(str, ReviewCadence), "none"]),
              help="How often; none: no further reviews.")  # fmt: skip
@click.option("--from", "begins", type=click.DateTime(formats=["%Y-%m-%d"]), help="Day of the first; default: today.")
@click.option("--days", type=click.IntRange(1, 90), default=14, show_default=True, help="Days until it is overdue.")
def schedule(*, msp_id: UUID, tenant_id: UUID, cadence: str, begins: datetime | None, days: int) -> None:
    """Set how often a client's controls are reviewed."""
    wanted = ReviewScheduleInput(
        cadence=None if cadence == "none" else ReviewCadence.of(cadence),
        starts_on=None if begins is None else begins.date(), days=days,
    )  # fmt: skip

    async def act(session: AsyncSession) -> CommandResult:
        await review.set_schedule(session, wanted, now=utc_now())
        found = await read_reviews(session, today=utc_now().date())
        next_on = found.schedule.next_on if found.schedule else None
        return CommandResult(f"next review: {next_on or 'none'}", msgspec.to_builtins(found.schedule))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@control_review.command("show")
@MSP
@CLIENT
def show(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show a client's schedule and newest reviews, with their evidence."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await read_reviews(session, today=utc_now().date())
        lines = [line for one in found.items for line in _lines(one)]
        return CommandResult("\n".join(lines) or "no reviews", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@control_review.command("collect")
@MSP
@CLIENT
def collect(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Have the evidence of a client's open reviews collected again."""

    async def act(session: AsyncSession) -> CommandResult:
        await review.request_evidence(session, now=utc_now())
        return CommandResult("the evidence is being collected", {})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@control_review.command("sign")
@MSP
@CLIENT
@_REVIEW
@click.option("--note", default="", help="Required if a control is not met.")
def sign(*, msp_id: UUID, tenant_id: UUID, review_id: UUID, note: str) -> None:
    """Sign a control review; its evidence is fixed from then on."""

    async def act(session: AsyncSession) -> CommandResult:
        await review.sign_review(session, review_id, SignInput(note=note), now=utc_now())
        found = await load_review(session, review_id, today=utc_now().date())
        return CommandResult("\n".join(_lines(found)), msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


def _lines(one: ReviewView) -> list[str]:
    head = f"{one.id}  {one.scheduled_on}  due {one.due_on}  {one.state}  {one.signed_by}  {one.note}".rstrip()
    return [head, *(f"  {'met' if each.is_met else 'NOT MET':7}  {each.label}: {each.detail}" for each in one.findings)]


COMMANDS: Final = (CliCommand(command=control_review),)
