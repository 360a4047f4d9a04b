"""The command line's host: settings and services for every command below `fairlead`."""

import asyncio
import os
from uuid import UUID

import click

from controlplane.installation import find_settings
from controlplane.preflight import check_settings
from controlplane.rooms import ROOMS
from controlplane.services import build_services
from foundation.commands import Act, CommandHost, CommandResult, operator_scope, print_result
from foundation.errors import NotFound
from foundation.rooms import AppServices, Rooms
from foundation.settings import Settings
from tenants.accounts import find_client_slug, get_msp

_ALL_ACCOUNTS = "`fairlead msp list` shows all."


def build_host(rooms: Rooms = ROOMS) -> CommandHost:
    return CommandHost(rooms, lambda act: _run(rooms, act), _settings_of)


def add_room_commands(root: click.Group, rooms: Rooms) -> None:
    """Add every room's commands below the groups that they name."""
    for each in rooms.every(lambda room: room.commands):
        _group_at(root, each.under).add_command(each.command)


def _group_at(root: click.Group, path: str) -> click.Group:
    found: click.Command | None = root
    for name in path.split():
        found = found.commands.get(name) if isinstance(found, click.Group) else None
    if isinstance(found, click.Group):
        return found
    raise ValueError(f"there is no group of commands “{path}”")


def _settings_of(component: str) -> Settings:
    settings = find_settings(os.environ, vault_needed=False, partial=True)
    if component:
        check_settings(settings, component)
    return settings


def _run(rooms: Rooms, act: Act) -> None:
    carry_out = on_named_accounts(act)

    async def with_services() -> CommandResult:
        settings = find_settings(os.environ)
        check_settings(settings)
        services = build_services(settings, rooms=rooms, pool_size=2, name="fairlead cli")
        try:
            return await carry_out(services)
        finally:
            await services.close()

    print_result(asyncio.run(with_services()))


def on_named_accounts(act: Act) -> Act:
    """`act`, after a check that the accounts exist that the current command's --msp and --client name.

    The result raises NotFound for an account that does not exist.
    """
    context = click.get_current_context(silent=True)
    named = context.params if context is not None else {}

    async def carry_out(services: AppServices) -> CommandResult:
        await _require_accounts(services, named.get("msp_id"), named.get("tenant_id"))
        return await act(services)

    return carry_out


async def _require_accounts(services: AppServices, msp_id: UUID | None, tenant_id: UUID | None) -> None:
    """Check that the accounts exist: with a wrong id most commands would find no rows and report success.

    Raises:
        NotFound: no such MSP, or the MSP has no such client.
    """
    if msp_id is None:
        return
    try:
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            await get_msp(session)
    except NotFound as error:
        raise NotFound(f"There is no MSP {msp_id}. {_ALL_ACCOUNTS}") from error
    if tenant_id is None or tenant_id == msp_id:
        return
    async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
        if await find_client_slug(session, tenant_id) is None:
            raise NotFound(f"The MSP has no client {tenant_id}. {_ALL_ACCOUNTS}")
