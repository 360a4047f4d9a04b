"""`fairlead api-key`: API keys and OAuth 2 clients of a client or an MSP."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from tenants.auth import api_keys
from tenants.auth.api_keys import NewApiKey
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.schemas import NewApiKeyView, api_key_view, new_key_view
from tenants.secrets import new_secret
from tenants.states import KeyUse

_KEY: Final = click.option("--key", "key_id", type=click.UUID, required=True, help="The key's ID.")
_EXPIRES: Final = click.option(
    "--expires-on", type=click.DateTime(["%Y-%m-%d"]), help="Day in UTC at whose beginning it expires."
)
_Use = Callable[[AsyncSession], Awaitable[CommandResult]]


@click.group("api-key", cls=NounGroup)
def api_key() -> None:
    """API keys and OAuth 2 clients, with which programs act."""


@api_key.command("list")
@MSP
@CLIENT_OR_MSP
def list_(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """List the keys of an account, newest first, without their secrets."""

    async def use(session: AsyncSession) -> CommandResult:
        found = [api_key_view(key) for key in (await api_keys.list_api_keys(session)).items]
        lines = [f"{one.id}  {one.use}  {one.role}  {'revoked  ' if one.revoked_at else ''}{one.name}" for one in found]
        return CommandResult("\n".join(lines) or "no keys", msgspec.to_builtins(found))

    _run(msp_id, tenant_id, use)


@api_key.command("create")
@MSP
@CLIENT_OR_MSP
@click.option("--name", required=True, help="The program that uses it.")
@click.option("--role", default="machine", show_default=True, help="Its role.")
@click.option("--permission", "permissions", multiple=True, help="Limits the role to this permission; repeatable.")
@click.option("--oauth-client", "is_client", is_flag=True, help="An OAuth 2 client instead of a key.")
@_EXPIRES
def create(  # noqa: PLR0913 - options
    *,
    msp_id: UUID,
    tenant_id: UUID | None,
    name: str,
    role: str,
    permissions: tuple[str, ...],
    is_client: bool,
    expires_on: datetime | None,
) -> None:
    """Create a key. Its secret is printed this once."""
    wanted = NewApiKey(
        new_id(), name, role, permissions=permissions or None, expires_at=_utc(expires_on),
        use=KeyUse.OAUTH_CLIENT if is_client else KeyUse.KEY,
    )  # fmt: skip

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            key, text = await api_keys.create_api_key(
                session, new_secret, wanted, now=utc_now(), declared=services.rooms.permission_labels
            )
        return _shown(new_key_view(key, text))

    run_with_services(act)


@api_key.command("rotate")
@MSP
@CLIENT_OR_MSP
@_KEY
@click.option("--overlap-hours", type=click.IntRange(0, 720), default=24, show_default=True,
              help="Time for which the previous secret is accepted too.")  # fmt: skip
@_EXPIRES
def rotate(
    *, msp_id: UUID, tenant_id: UUID | None, key_id: UUID, overlap_hours: int, expires_on: datetime | None
) -> None:
    """Give a key a new secret, printed this once."""

    async def use(session: AsyncSession) -> CommandResult:
        key, text = await api_keys.rotate_api_key(
            session, new_secret, key_id=key_id, now=utc_now(), overlap=timedelta(hours=overlap_hours),
            expires_at=_utc(expires_on),
        )  # fmt: skip
        return _shown(new_key_view(key, text))

    _run(msp_id, tenant_id, use)


@api_key.command("revoke")
@MSP
@CLIENT_OR_MSP
@_KEY
def revoke(*, msp_id: UUID, tenant_id: UUID | None, key_id: UUID) -> None:
    """Revoke a key. It is refused from now on."""

    async def use(session: AsyncSession) -> CommandResult:
        await api_keys.revoke_api_key(session, key_id=key_id, now=utc_now())
        return CommandResult("revoked", {"id": key_id})

    _run(msp_id, tenant_id, use)


def _shown(view: NewApiKeyView) -> CommandResult:
    secret = view.key or f"{view.client_id}\n{view.client_secret}"
    return CommandResult(f"key {view.api_key.id}\n{secret}", msgspec.to_builtins(view))


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


def _run(msp_id: UUID, tenant_id: UUID | None, use: _Use) -> None:
    async def act(session: AsyncSession) -> CommandResult:
        return await use(session)

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


COMMANDS: Final = (CliCommand(command=api_key),)
