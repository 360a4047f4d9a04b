"""`fairlead meter` and `fairlead usage`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.usage.counting import MeterAggregation
from billing.usage.forms import read_meter
from billing.usage.meters import create_meter, list_meters, retire_meter
from billing.usage.report import report_usage
from billing.usage.schemas import MOST_EVENTS, ReportedEvent, UsageEventInput, UsageReceipt
from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    command_host,
    operator_scope,
    run_in_account,
    run_with_services,
)
from foundation.decoding import decode_json
from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT, MSP


@click.group(cls=NounGroup)
def meter() -> None:
    """Meters of countable usage."""


@meter.command("list")
@MSP
def list_(*, msp_id: UUID) -> None:
    """List the product's meters, and those that an MSP declares."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            found = await list_meters(session, services.rooms.meters)
        lines = [f"{one.code}  {one.label}  ({'retired' if one.retired_at else one.declared_by})" for one in found]
        return CommandResult("\n".join(lines), msgspec.to_builtins(found))

    run_with_services(act)


@meter.command("create")
@MSP
@click.option("--code", required=True, help="For systems, such as gb_hours.")
@click.option("--label", required=True, help="For invoices, such as “Storage”.")
@click.option("--unit", required=True, help="What is counted, such as “GB-hours”.")
@click.option("--event", default="", help="Name under which its usage is reported; default: the code.")
@click.option(
    "--aggregation",
    type=click.Choice([one.value for one in MeterAggregation]),
    default=MeterAggregation.SUM.value,
    show_default=True,
    help="How a month's events become its quantity.",
)
@click.option("--dimension", default="", help="The dimension that is counted, or by which levels are told apart.")
@click.option("--percentile", default="95", show_default=True, help="For the aggregation percentile.")
@click.option("--filter", "filters", multiple=True, help="Only such events, such as “region = eu, us”; repeatable.")
def create(*, msp_id: UUID, filters: Sequence[str], **typed: str) -> None:
    """Declare a meter for usage that other systems report."""
    try:
        new = read_meter({**typed, "filters": "\n".join(filters)})
    except InvalidInput as problem:
        option = {"filters": "filter"}.get(str(problem.extra.get("field")), problem.extra.get("field"))
        raise click.BadParameter(problem.detail, param_hint=f"--{option}") from problem

    async def act(session: AsyncSession) -> CommandResult:
        made = await create_meter(session, command_host().rooms.meters, new, now=utc_now())
        return CommandResult(f"The meter {made} is declared.", {"code": made})

    run_in_account(operator_scope(msp_id, msp_id), act)


@meter.command("retire")
@MSP
@click.option("--code", required=True, help="The meter's code.")
def retire(*, msp_id: UUID, code: str) -> None:
    """End the reporting of a meter's usage. Earlier usage is billed as usual."""

    async def act(session: AsyncSession) -> CommandResult:
        await retire_meter(session, code, now=utc_now())
        return CommandResult(f"The meter {code} is retired.", {"code": code})

    run_in_account(operator_scope(msp_id, msp_id), act)


@click.group(cls=NounGroup)
def usage() -> None:
    """Usage that other systems counted."""


@usage.command("report")
@MSP
@CLIENT
@click.option("--source", required=True, help="The system that counted it.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def report(*, msp_id: UUID, tenant_id: UUID, source: str, file: Path) -> None:
    """Report the usage events of FILE: one JSON object per line, as in the API. Events sent before count once."""
    events = _read(file)

    async def act(services: AppServices) -> CommandResult:
        items: list[ReportedEvent] = []
        for start in range(0, len(events), MOST_EVENTS):
            async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
                part = await report_usage(
                    session, source, events[start : start + MOST_EVENTS], now=utc_now(), new_id=new_id
                )
            items += part.items
        receipt = UsageReceipt.of(items)
        refused = [f"{one.id}: {one.detail}" for one in items if one.result == "refused"]
        counts = f"{receipt.accepted} accepted, {receipt.duplicate} reported before, {receipt.refused} refused"
        return CommandResult("\n".join([counts, *refused]), msgspec.to_builtins(receipt))

    run_with_services(act)


def _read(file: Path) -> list[UsageEventInput]:
    """Raises InvalidInput: names the line that cannot be read."""
    events = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            events.append(decode_json(line, type=UsageEventInput))
        except (msgspec.MsgspecError, UnicodeError) as problem:
            raise InvalidInput(f"Line {number} of the file cannot be read: {problem}.", field="file") from problem
    return events


COMMANDS: Final = (CliCommand(command=meter), CliCommand(command=usage))
