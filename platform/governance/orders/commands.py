"""`fairlead order`: a client's orders."""

from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.orders import OrderValue
from canonical.values import write_plainly
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from governance.orders.lists import ORDERS
from governance.orders.queries import read_order
from governance.orders.schemas import OrderItem
from tenants.command_options import CLIENT, MSP
from tenants.list_command import list_command


@click.group(cls=NounGroup)
def order() -> None:
    """Orders of a client."""


@order.command()
@MSP
@CLIENT
@click.option("--number", required=True, help="The order's exact number (`fairlead order list`).")
def show(*, msp_id: UUID, tenant_id: UUID, number: str) -> None:
    """Show an order with its lines. Prices are without tax."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await read_order(session, number)
        content = found.content.lines if isinstance(found.content, OrderValue) else ()
        lines = [f"  {one.quantity} x {one.sku} at {one.unit_price}" for one in content]
        return CommandResult("\n".join([_line(found.order), *lines]), found)

    run_in_account(operator_scope(msp_id, tenant_id), act)


def _line(item: OrderItem) -> str:
    total = write_plainly(item.total) if item.total else ""
    return "  ".join(part for part in (item.number, item.state, total, item.customer, item.channel) if part)


order.add_command(list_command(ORDERS, _line, about="List orders, newest first."))
COMMANDS: Final = (CliCommand(command=order),)
