"""`fairlead three-way-check`."""

from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.three_way.check import check_month
from billing.three_way.explain import find_difference, record_explanation
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT, MSP, REASON

_MONTH: Final = click.option("--month", required=True, help="The month, e.g. 2026-03.")


@click.group("three-way-check", cls=NounGroup)
def three_way_check() -> None:
    """Vendors' bills, usage and clients' bills of a month."""


@three_way_check.command("show")
@MSP
@_MONTH
def show(*, msp_id: UUID, month: str) -> None:
    """Show the differences of a month, those with the most money first."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await check_month(session, month)
        lines = [
            f"{one.client_id}  {one.product}  {one.difference:+}  {one.amount} {one.currency}"
            f"{'  explained' if one.is_explained else ''}"
            for one in found.items
        ]
        sums = [f"leakage {one.leakage}, billed beyond use {one.ghost} {one.currency}" for one in found.totals]
        return CommandResult("\n".join([*sums, *lines]) or "no differences", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@three_way_check.command("explain")
@MSP
@_MONTH
@CLIENT
@click.option("--product", required=True, help="The meter or product, as in `show`.")
@click.option("--reason", required=True, type=REASON, help="Why it is accepted.")
def explain(*, msp_id: UUID, month: str, tenant_id: UUID, product: str, reason: str) -> None:
    """Accept a difference with a reason. It is open again if one of its quantities changes."""

    async def act(services: AppServices) -> CommandResult:
        scope = operator_scope(msp_id, msp_id)
        async with services.db.transaction(scope.for_fleet()) as session:
            whole, found = await find_difference(session, month, tenant_id, product)
        async with services.db.transaction(scope) as session:
            made = await record_explanation(session, whole, found, reason, now=utc_now(), explanation_id=new_id())
        return CommandResult("The difference is explained.", {"id": str(made)})

    run_with_services(act)


COMMANDS: Final = (CliCommand(command=three_way_check),)
