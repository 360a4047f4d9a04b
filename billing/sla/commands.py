"""`fairlead service-level`."""

from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.sla.credits import SlaDecisionInput, decide_sla_credit, load_service_levels, set_sla_terms
from billing.sla.terms import SlaTermsInput, parse_bands
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.ids import new_id
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP


@click.group("service-level", cls=NounGroup)
def service_level() -> None:
    """Service levels of clients, and credits for missed ones."""


@service_level.command("show")
@MSP
@CLIENT
def show(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show a client's terms, and its months against the target."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await load_service_levels(session)
        lines = [f"{one.month:%Y-%m}  {one.attained_pct} %  {one.state}  {one.id}" for one in found.months]
        return CommandResult("\n".join(lines) or "No months were measured.", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@service_level.command("set")
@MSP
@CLIENT
@click.option("--bands", default="", help="Per cent in time = per cent back, e.g. '99.5=5, 98=10'; empty: no credit.")
@click.option("--most", default="100", show_default=True, help="Most of the month's fees, in per cent.")
@click.option("--from-month", default="", help="First month that is measured, e.g. 2026-03; default: this one.")
def set_(*, msp_id: UUID, tenant_id: UUID, bands: str, most: str, from_month: str) -> None:
    """Set a client's terms of service credits for late deliveries."""
    try:
        terms = SlaTermsInput(parse_bands(bands), Decimal(most), from_month)
    except InvalidOperation:
        raise click.BadParameter("A percentage is a number, such as 10.", param_hint="--most") from None

    async def act(session: AsyncSession) -> CommandResult:
        await set_sla_terms(session, terms, now=utc_now())
        return CommandResult("The terms are set.", {"bands": len(terms.bands)})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@service_level.command("decide")
@MSP
@CLIENT
@click.option("--id", "credit_id", type=click.UUID, required=True, help="ID of the month's credit.")
@click.option("--approve/--reject", default=None, required=True, help="The decision.")
@click.option("--reason", required=True, help="Why; the client can read it.")
def decide(*, msp_id: UUID, tenant_id: UUID, credit_id: UUID, approve: bool, reason: str) -> None:
    """Approve or reject a service credit."""

    async def act(session: AsyncSession) -> CommandResult:
        decision = SlaDecisionInput(approve, reason)
        await decide_sla_credit(session, credit_id, decision, now=utc_now(), new_id=new_id)
        return CommandResult("The credit is decided.", {"id": credit_id, "approved": approve})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (CliCommand(command=service_level),)
