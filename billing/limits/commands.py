"""`fairlead limit`."""

from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.limits.budgets import read_budgets
from billing.limits.forms import read_limit
from billing.limits.manage import set_limit
from billing.usage.meters import add_declared
from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    command_host,
    operator_scope,
    run_in_account,
)
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT, MSP


@click.group(cls=NounGroup)
def limit() -> None:
    """Limits of a client's use and spending in a month."""


@limit.command("list")
@MSP
@CLIENT
def list_(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List a client's limits with this month's use."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await read_budgets(session, now=utc_now())
        lines = [
            f"{one.meter}  used {one.used}, reserved {one.reserved}, limit {one.hard_limit}" for one in found.items
        ]
        return CommandResult("\n".join(lines), msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@limit.command("set")
@MSP
@CLIENT
@click.option("--meter", required=True, help="A meter's code, or spend for the month's cost in major units.")
@click.option("--off", is_flag=True, help="It may not be used at all.")
@click.option("--included", default="", help="What the plan includes, for display.")
@click.option("--soft", default="", help="Notices are given at 80 and 100 % of it.")
@click.option("--hard", default="", help="Use beyond it is refused.")
@click.option("--until", default="", help="Last day (UTC) of a temporary limit, e.g. 2026-12-31.")
@click.option("--meanwhile", default="", help="The temporary hard limit; default: none.")
@click.option("--reason", default="", help="Reason of the temporary limit.")
def set_(  # noqa: PLR0913 - click passes options by name
    *, msp_id: UUID, tenant_id: UUID, meter: str, off: bool, included: str, soft: str, hard: str, until: str,
    meanwhile: str, reason: str,
) -> None:  # fmt: skip
    """Set the limits of a meter, in place of earlier ones."""
    typed = {
        "meter": meter, "is_on": "off" if off else "on", "included": included, "soft_limit": soft, "hard_limit": hard,
        "override_until": until, "override_limit": meanwhile, "override_reason": reason,
    }  # fmt: skip

    async def act(session: AsyncSession) -> CommandResult:
        now = utc_now()
        meters = await add_declared(session, command_host().rooms.meters)
        wanted = read_limit(typed, (await read_budgets(session, now=now)).currency)
        await set_limit(session, meters, wanted, now=now)
        return CommandResult(f"The limits of {meter} are set.", {"meter": meter})

    run_in_account(operator_scope(msp_id, tenant_id), act)


COMMANDS: Final = (CliCommand(command=limit),)
