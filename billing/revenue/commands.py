"""`fairlead revenue`."""

from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.revenue.report import report_revenue
from billing.revenue.schemas import RevenueBasis
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import MSP


@click.group(cls=NounGroup)
def revenue() -> None:
    """Amounts invoiced to clients, by month."""


@revenue.command("show")
@MSP
@click.option("--month", required=True, help="The last of twelve months, e.g. 2026-03.")
@click.option(
    "--of", "basis", type=click.Choice([one.value for one in RevenueBasis]), default=RevenueBasis.RECURRING.value,
    show_default=True, help="Of which revenue the changes are.",
)  # fmt: skip
def show(*, msp_id: UUID, month: str, basis: str) -> None:
    """Show the revenue of twelve months, with its changes."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await report_revenue(session, month, basis, now=utc_now())
        lines = [
            f"{one.month}  invoiced {one.invoiced}  recurring {one.recurring}  usage {one.usage} {one.currency}"
            for one in found.months
        ]
        return CommandResult("\n".join(lines) or "nothing was invoiced", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


COMMANDS: Final = (CliCommand(command=revenue),)
