"""`fairlead payment-method`: a client's saved methods, and the consent to charge its invoices automatically."""

from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payment_methods.job_types import MethodAct
from billing.payment_methods.profiles import change_method, load_methods, request_reading, set_automatic
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP


@click.group("payment-method", cls=NounGroup)
def payment_method() -> None:
    """Payment methods that a client saved at the payment provider."""


@payment_method.command("list")
@MSP
@CLIENT
def list_(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List a client's saved payment methods."""

    async def act(session: AsyncSession) -> CommandResult:
        return await _shown(session)

    run_in_account(operator_scope(msp_id, tenant_id), act)


@payment_method.command("read")
@MSP
@CLIENT
def read(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Read the saved methods from the payment provider again."""

    async def act(session: AsyncSession) -> CommandResult:
        await request_reading(session)
        return await _shown(session)

    run_in_account(operator_scope(msp_id, tenant_id), act)


@payment_method.command("change")
@MSP
@CLIENT
@click.option("--method", "method_id", required=True, help="ID of the method at the payment provider.")
@click.option("--do", "act_name", type=click.Choice(["choose", "remove"]), required=True, help="The act.")
def change(*, msp_id: UUID, tenant_id: UUID, method_id: str, act_name: str) -> None:
    """Make a saved payment method the one that is charged, or remove it."""

    async def act(session: AsyncSession) -> CommandResult:
        await change_method(session, method_id, MethodAct(act_name), now=utc_now())
        return await _shown(session)

    run_in_account(operator_scope(msp_id, tenant_id), act)


@payment_method.command("automatic")
@MSP
@CLIENT
@click.option("--on/--off", "charges", required=True, help="Whether sent invoices are charged.")
def automatic(*, msp_id: UUID, tenant_id: UUID, charges: bool) -> None:
    """Set whether sent invoices are charged to the default payment method, as the client agreed."""

    async def act(session: AsyncSession) -> CommandResult:
        await set_automatic(session, None, charges=charges, now=utc_now())
        return await _shown(session)

    run_in_account(operator_scope(msp_id, tenant_id), act)


async def _shown(session: AsyncSession) -> CommandResult:
    found = await load_methods(session)
    rows = [f"{one.external_id} {one.brand or one.kind} …{one.last4}" for one in found.methods]
    rows.append("Invoices are charged automatically." if found.charges_automatically else "No automatic payment.")
    return CommandResult("\n".join(rows), msgspec.to_builtins(found))


COMMANDS = (CliCommand(command=payment_method),)
