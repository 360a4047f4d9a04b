"""`fairlead unit-pack`."""

from typing import Any, Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.packs.ledger import load_packs
from billing.packs.schemas import UnitPackInput
from billing.packs.sell import sell_pack, withdraw_pack
from billing.usage.meters import add_declared
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, build_input, command_host, operator_scope, run_in_account
from foundation.ids import new_id
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP


@click.group(cls=NounGroup, name="unit-pack")
def unit_pack() -> None:
    """Packs of units, such as hours, that clients buy in advance."""


@unit_pack.command("list")
@MSP
@CLIENT
def list_(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List a client's packs with the units left of each."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await load_packs(session)
        lines = [f"{one.id}  {one.name}  {one.meter}  {one.left:f} of {one.units:f} left" for one in found]
        return CommandResult("\n".join(lines) or "No packs.", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@unit_pack.command("sell")
@MSP
@CLIENT
@click.option("--name", required=True, help="The name shown on invoices.")
@click.option("--meter", required=True, help="Code of the meter whose units it has.")
@click.option("--units", required=True, help="How many units, e.g. 20 or 7.5.")
@click.option("--price-minor", type=click.IntRange(0), required=True, help="Price before tax, in minor units.")
@click.option("--first-month", default="", help="First month of service, e.g. 2026-03; default: this one.")
@click.option("--months", type=click.IntRange(1, 120), help="How many months it is for; default: it does not expire.")
@click.option("--rollover-units", default="0", help="How many of the units left then go to a new pack.")
@click.option("--low-units", default="0", help="Members are notified once, when this many units or fewer are left.")
@click.option("--priority", type=click.IntRange(0, 1000), default=100, show_default=True, help="Lower is used first.")
@click.option("--reason", required=True, help="Why; the client can read it.")
def sell(*, msp_id: UUID, tenant_id: UUID, **given: Any) -> None:
    """Sell a pack to a client. Its next invoice charges it."""
    new = build_input(UnitPackInput, given)

    async def act(session: AsyncSession) -> CommandResult:
        meters = await add_declared(session, command_host().rooms.meters)
        made = await sell_pack(session, meters, new, now=utc_now(), new_id=new_id)
        return CommandResult(f"pack {made} sold", {"id": made})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@unit_pack.command("withdraw")
@MSP
@CLIENT
@click.option("--id", "pack_id", type=click.UUID, required=True, help="ID of the pack.")
@click.option("--reason", required=True, help="Why.")
def withdraw(*, msp_id: UUID, tenant_id: UUID, pack_id: UUID, reason: str) -> None:
    """End a pack. Finalised invoices keep their draws."""

    async def act(session: AsyncSession) -> CommandResult:
        left = await withdraw_pack(session, pack_id, reason, now=utc_now(), new_id=new_id)
        return CommandResult(f"pack {pack_id} withdrawn with {left:f} units left", {"id": pack_id, "left": left})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (CliCommand(command=unit_pack),)
