"""`fairlead credit`, and payments of invoices from the credit balance."""

from datetime import datetime
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.balance import keep_on_balance, pay_from_balance
from billing.wallets.credit import give_credit, load_credit, set_credit_rule, take_credit_back
from billing.wallets.schemas import CreditRuleInput, NewGrant
from billing.wallets.states import GIVEN, GrantKind
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, build_input, operator_scope, run_in_account
from foundation.ids import new_id
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP

_INVOICE = click.option("--id", "invoice_id", type=click.UUID, required=True, help="ID of the invoice.")
_CURRENCY = click.option("--currency", required=True, help="Currency, e.g. EUR.")


@click.group(cls=NounGroup)
def credit() -> None:
    """Credit of clients, from which their invoices are paid."""


@credit.command("show")
@MSP
@CLIENT
def show(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show a client's credit balance with its grants and latest changes."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await load_credit(session, utc_now())
        lines = [f"{one.currency}: {one.available_minor} minor units" for one in found.balances]
        return CommandResult("\n".join(lines) or "No credit.", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@credit.command("grant")
@MSP
@CLIENT
@click.option(
    "--kind", type=click.Choice([one.value for one in GIVEN]), default=GrantKind.PREPAID.value, show_default=True,
    help="Kind.",
)  # fmt: skip
@_CURRENCY
@click.option("--amount-minor", type=click.IntRange(1), required=True, help="Amount in minor units.")
@click.option("--priority", type=click.IntRange(0, 1000), default=100, show_default=True, help="Lower is used first.")
@click.option("--expires-on", type=click.DateTime(formats=["%Y-%m-%d"]), help="Last day.")
@click.option("--reason", required=True, help="Why; the client can read it.")
def grant(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    kind: str,
    currency: str,
    amount_minor: int,
    priority: int,
    expires_on: datetime | None,
    reason: str,
) -> None:
    """Grant credit to a client."""
    given = {
        "kind": kind, "currency": currency, "amount_minor": amount_minor, "priority": priority,
        "expires_on": expires_on and expires_on.date(), "reason": reason,
    }  # fmt: skip
    new = build_input(NewGrant, given)

    async def act(session: AsyncSession) -> CommandResult:
        made = await give_credit(session, new, now=utc_now(), new_id=new_id)
        return CommandResult(f"credit {made} granted", {"id": made})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@credit.command("withdraw")
@MSP
@CLIENT
@click.option("--id", "grant_id", type=click.UUID, required=True, help="ID of the grant.")
@click.option("--reason", required=True, help="Why.")
def withdraw(*, msp_id: UUID, tenant_id: UUID, grant_id: UUID, reason: str) -> None:
    """Withdraw the rest of a grant."""

    async def act(session: AsyncSession) -> CommandResult:
        await take_credit_back(session, grant_id, reason, now=utc_now(), new_id=new_id)
        return CommandResult(f"credit {grant_id} withdrawn", {"id": grant_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@credit.command("rule")
@MSP
@CLIENT
@_CURRENCY
@click.option("--low-minor", type=click.IntRange(0, 10**15), required=True, help="Threshold; 0 removes the rule.")
@click.option("--top-up-minor", type=click.IntRange(0, 10**15), default=0, help="What the next draft buys then.")
def rule(*, msp_id: UUID, tenant_id: UUID, currency: str, low_minor: int, top_up_minor: int) -> None:
    """Set what happens when the credit of a currency is low."""

    async def act(session: AsyncSession) -> CommandResult:
        wanted = CreditRuleInput(currency, low_minor, top_up_minor)
        await set_credit_rule(session, wanted, now=utc_now(), new_id=new_id)
        return CommandResult("The rule is set.", {"currency": currency, "low_minor": low_minor})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@click.command("use-balance")
@MSP
@CLIENT
@_INVOICE
def use(*, msp_id: UUID, tenant_id: UUID, invoice_id: UUID) -> None:
    """Pay a client's invoice from its credit, as far as that suffices."""

    async def act(session: AsyncSession) -> CommandResult:
        paid = await pay_from_balance(session, invoice_id, now=utc_now(), new_id=new_id)
        return CommandResult(f"{paid} minor units paid from the balance", {"id": invoice_id, "amount": paid})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@click.command("keep-balance")
@MSP
@CLIENT
@_INVOICE
def keep(*, msp_id: UUID, tenant_id: UUID, invoice_id: UUID) -> None:
    """Add the overpaid or over-credited amount of an invoice to the client's credit."""

    async def act(session: AsyncSession) -> CommandResult:
        kept = await keep_on_balance(session, invoice_id, now=utc_now(), new_id=new_id)
        return CommandResult(f"{kept} minor units put on the balance", {"id": invoice_id, "amount": kept})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (
    CliCommand(command=credit), CliCommand(command=use, under="invoice"), CliCommand(command=keep, under="invoice"),
)  # fmt: skip
