"""`fairlead profit`."""

from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.profit.report import report_profit
from billing.profit.schemas import ProfitGrouping
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import MSP


@click.group(cls=NounGroup)
def profit() -> None:
    """Amounts invoiced to clients, less their cost."""


@profit.command("show")
@MSP
@click.option("--month", required=True, help="The month, e.g. 2026-03.")
@click.option(
    "--by", type=click.Choice([one.value for one in ProfitGrouping]), default=ProfitGrouping.CLIENT.value,
    show_default=True, help="What the rows are.",
)  # fmt: skip
def show(*, msp_id: UUID, month: str, by: str) -> None:
    """Show a month's profit, the worst first."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await report_profit(session, month, ProfitGrouping.of(by))
        lines = [
            f"{row.key or '-'}  revenue {row.revenue}  cost {row.cost}  margin {row.margin} {row.currency}"
            for row in found.rows
        ]
        return CommandResult("\n".join(lines) or "nothing was invoiced", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


COMMANDS: Final = (CliCommand(command=profit),)
