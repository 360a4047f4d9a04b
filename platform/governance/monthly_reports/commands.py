"""`fairlead monthly-report`."""

from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from governance.monthly_reports.report import list_months, read_report
from governance.monthly_reports.schemas import MonthlyReport
from tenants.command_options import CLIENT, MSP


@click.group("monthly-report", cls=NounGroup)
def monthly_report() -> None:
    """Monthly reports of a client, against its targets."""


@monthly_report.command("list")
@MSP
@CLIENT
def list_(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List the months that have a report, newest first."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await list_months(session, now=utc_now())
        lines = [one.month if one.is_complete else f"{one.month}  so far" for one in found.months]
        return CommandResult("\n".join(lines), found)

    run_in_account(operator_scope(msp_id, tenant_id), act)


@monthly_report.command("show")
@MSP
@CLIENT
@click.option("--month", required=True, help="The month, e.g. 2026-03.")
def show(*, msp_id: UUID, tenant_id: UUID, month: str) -> None:
    """Show a month. JSON has each channel, type of exception, reviewer and meter, and the month before."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await read_report(session, month, now=utc_now())
        return CommandResult(_text(found), found)

    run_in_account(operator_scope(msp_id, tenant_id), act)


def _text(report: MonthlyReport) -> str:
    month = report.figures
    parts = ", ".join(f"{getattr(month.changes, name)} {name}" for name in month.changes.__struct_fields__)
    lines = [f"changes: {parts}"]
    for name, times in (("decisions", month.decisions), ("deliveries", month.deliveries)):
        share = "-" if times.in_time_pct is None else f"{times.in_time_pct} % in time"
        lines.append(f"{name}: {times.number}, {share}")
    lines += [f"exceptions {one.code}: {one.opened} opened, {one.open} open" for one in month.exceptions]
    lines += [f"usage {one.meter}: {one.quantity}" for one in month.usage]
    return "\n".join(lines)


COMMANDS: Final = (CliCommand(command=monthly_report),)
