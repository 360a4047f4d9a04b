"""`fairlead rate-limit`: limits of an account's requests to the API."""

from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.rate_limits.manage import load_rate_limits, set_rate_limits
from tenants.rate_limits.schemas import RateLimitInput, RateLimitView


@click.group("rate-limit", cls=NounGroup)
def rate_limit() -> None:
    """Rate limits of the API."""


@rate_limit.command()
@MSP
@CLIENT_OR_MSP
def show(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Show an account's limits."""

    async def act(session: AsyncSession) -> CommandResult:
        return _result(await load_rate_limits(session))

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@rate_limit.command("set")
@MSP
@CLIENT_OR_MSP
@click.option("--per-caller", type=int, help="Requests per minute of one key or member; the default without it.")
@click.option("--per-account", type=int, help="Requests per minute of all of them; the default without it.")
def set_limits(*, msp_id: UUID, tenant_id: UUID | None, per_caller: int | None, per_account: int | None) -> None:
    """Set an account's limits. Replaces what was set before."""

    async def act(session: AsyncSession) -> CommandResult:
        wanted = RateLimitInput(per_caller, per_account)
        return _result(await set_rate_limits(session, wanted, now=utc_now()))

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


def _result(found: RateLimitView) -> CommandResult:
    text = f"{found.per_caller} requests per minute for one caller, {found.per_account} for the account."
    return CommandResult(text, msgspec.to_builtins(found))


COMMANDS = (CliCommand(command=rate_limit),)
