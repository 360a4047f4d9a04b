"""`fairlead payment-account`: the payment provider of an MSP's clients."""

from pathlib import Path
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payment_account.accounts import (
    account_view,
    check_payment_account,
    find_payment_account,
    read_status,
    set_payment_account,
    try_key,
)
from billing.payment_account.schemas import PaymentAccountInput
from billing.payment_account.services import PaymentServices
from billing.payment_account.states import ProviderKind
from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    operator_scope,
    read_first_line,
    run_in_account,
    run_with_services,
)
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import MSP

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group("payment-account", cls=NounGroup)
def payment_account() -> None:
    """Payment provider of an MSP's clients."""


@payment_account.command("show")
@MSP
def show(*, msp_id: UUID) -> None:
    """Show the payment provider of an MSP's clients, and its account at Stripe."""

    async def act(session: AsyncSession) -> CommandResult:
        return await _shown(session)

    run_in_account(operator_scope(msp_id, msp_id), act)


@payment_account.command("set")
@MSP
@click.option(
    "--provider", type=click.Choice([kind.value for kind in ProviderKind]), required=True, help="How clients pay."
)
@click.option("--key-file", type=_FILE, help="File with the secret key; without it, the stored one is kept.")
@click.option("--connect", "connects", is_flag=True, help="By an account connected to this installation's at Stripe.")
@click.option("--signing-file", type=_FILE, help="File with the webhooks' signing secret; without it, as before.")
def set_(*, msp_id: UUID, provider: str, connects: bool, key_file: Path | None, signing_file: Path | None) -> None:
    """Set the payment provider of an MSP's clients. A key of Stripe is tried before it is stored."""
    wanted = PaymentAccountInput(
        provider=ProviderKind(provider),
        connects=connects,
        secret_key=None if key_file is None else read_first_line(key_file, "--key-file"),
        signing_secret=None if signing_file is None else read_first_line(signing_file, "--signing-file"),
    )

    async def act(services: AppServices) -> CommandResult:
        payments, scope = services.get(PaymentServices), operator_scope(msp_id, msp_id)
        key = (wanted.secret_key or "").strip()
        status = await try_key(payments, scope, key) if key and wanted.provider is ProviderKind.STRIPE else None
        async with services.db.transaction(scope) as session:
            await set_payment_account(session, payments, wanted, status=status, now=utc_now())
            return await _shown(session)

    run_with_services(act)


@payment_account.command("check")
@MSP
def check(*, msp_id: UUID) -> None:
    """Read an MSP's account at Stripe by the stored key."""

    async def act(services: AppServices) -> CommandResult:
        scope = operator_scope(msp_id, msp_id)
        status = await read_status(services.get(PaymentServices), scope)
        async with services.db.transaction(scope) as session:
            await check_payment_account(session, status, now=utc_now())
            return await _shown(session)

    run_with_services(act)


async def _shown(session: AsyncSession) -> CommandResult:
    view = account_view(await find_payment_account(session))
    about = f" ({view.mode}, {view.account}, {view.key_hint})" if view.provider is ProviderKind.STRIPE else ""
    return CommandResult(f"Clients pay by {view.provider}{about}.", msgspec.to_builtins(view))


COMMANDS = (CliCommand(command=payment_account),)
