"""Commands of second factors: `fairlead member reset-factors`, `require-factor` and `unrequire-factor`."""

from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from branding.directory import read_own_brand
from foundation.clock import utc_now
from foundation.commands import CommandResult, operator_scope, run_in_account, run_with_services
from foundation.rooms import AppServices, CliCommand
from tenants.auth.services import AuthServices
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.factors.rules import EVERYBODY, remove_rule, set_rule
from tenants.mail.mailer import Portal
from tenants.members.repository import find_member
from tenants.second_factor.change_factors import remove_factors

_ROLE: Final = click.option(
    "--role", default=EVERYBODY, show_default=True, help="The role whose members need one; * is every member."
)


@click.command("reset-factors")
@MSP
@CLIENT_OR_MSP
@click.option("--email", required=True, help="The member's e-mail address.")
def reset_factors(*, msp_id: UUID, tenant_id: UUID | None, email: str) -> None:
    """Remove the second factors of a member whom no administrator of the account can help. The member gets a mail."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            member, brand = await find_member(session, email), await read_own_brand(session)
            portal, now = Portal("", brand.id), utc_now()
            await remove_factors(session, services.get(AuthServices), member.id, portal=portal, now=now)
        return CommandResult(f"The second factors of {email} are removed.", {"id": member.id, "email": member.email})

    run_with_services(act)


@click.command("require-factor")
@MSP
@CLIENT_OR_MSP
@_ROLE
def require_factor(*, msp_id: UUID, tenant_id: UUID | None, role: str) -> None:
    """Require a second factor of an account's members, from their next sign-in on."""

    async def act(session: AsyncSession) -> CommandResult:
        await set_rule(session, role, now=utc_now())
        return CommandResult("A second factor is required.", {"role": role, "required": True})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@click.command("unrequire-factor")
@MSP
@CLIENT_OR_MSP
@_ROLE
def unrequire_factor(*, msp_id: UUID, tenant_id: UUID | None, role: str) -> None:
    """Stop requiring a second factor of an account's members."""

    async def act(session: AsyncSession) -> CommandResult:
        await remove_rule(session, role, now=utc_now())
        return CommandResult("A second factor is no longer required.", {"role": role, "required": False})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


COMMANDS = tuple(
    CliCommand(command=command, under="member") for command in (reset_factors, require_factor, unrequire_factor)
)
