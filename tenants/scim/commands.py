"""`fairlead scim-token`: the token with which an account's identity provider manages its members."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.scim import tokens
from tenants.scim.schemas import token_view
from tenants.secrets import new_secret

_Use = Callable[[AsyncSession], Awaitable[CommandResult]]


@click.group("scim-token", cls=NounGroup)
def scim_token() -> None:
    """The token with which an account's identity provider manages its members (SCIM)."""


@scim_token.command("show")
@MSP
@CLIENT_OR_MSP
def show(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Show when an account's token was made and used."""

    async def use(session: AsyncSession) -> CommandResult:
        view = token_view(await tokens.get_token(session), "")
        used = "never used" if view.last_used_at is None else f"last used at {view.last_used_at:%Y-%m-%d %H:%M}"
        return CommandResult(f"created by {view.created_by}, {used}", msgspec.to_builtins(view))

    _run(msp_id, tenant_id, use)


@scim_token.command("create")
@MSP
@CLIENT_OR_MSP
def create(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Create an account's token and print it, this once."""

    async def use(session: AsyncSession) -> CommandResult:
        text = await tokens.create_token(session, new_secret, None, now=utc_now())
        return CommandResult(text, {"token": text})

    _run(msp_id, tenant_id, use)


@scim_token.command("rotate")
@MSP
@CLIENT_OR_MSP
def rotate(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Replace an account's token and print the new one, this once."""

    async def use(session: AsyncSession) -> CommandResult:
        text = await tokens.rotate_token(session, new_secret, None, now=utc_now())
        return CommandResult(text, {"token": text})

    _run(msp_id, tenant_id, use)


@scim_token.command("revoke")
@MSP
@CLIENT_OR_MSP
def revoke(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Revoke an account's token. The members stay as they are."""

    async def use(session: AsyncSession) -> CommandResult:
        await tokens.revoke_token(session, now=utc_now())
        return CommandResult("The token is revoked.", {"revoked": True})

    _run(msp_id, tenant_id, use)


def _run(msp_id: UUID, tenant_id: UUID | None, use: _Use) -> None:
    run_in_account(operator_scope(msp_id, tenant_id or msp_id), use)


COMMANDS = (CliCommand(command=scim_token),)
