"""`fairlead role`: packaged roles, and an account's own."""

from uuid import UUID

import click
import msgspec

from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.rooms import AppServices, CliCommand
from policy.cache import PolicyCache
from policy.roles import RoleContent
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.custom_roles.manage import RoleManager
from tenants.custom_roles.queries import read_role, read_roles

_ROLE = click.option("--role", required=True, help="The role's ID (`fairlead role list`).")
_NAME = click.option("--name", required=True, help="What people call the role.")
_ABOUT = click.option("--about", default="", help="What the role is for.")
_PERMISSIONS = click.option(
    "--permission",
    "permissions",
    multiple=True,
    required=True,
    metavar="CODE",
    help="A permission of the role, such as approval:decide; repeatable.",
)


@click.group(cls=NounGroup)
def role() -> None:
    """Roles of an MSP's or a client's members."""


@role.command("list")
@MSP
@CLIENT_OR_MSP
def list_(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """List an account's roles with the number of members who have each."""

    async def act(services: AppServices) -> CommandResult:
        scope = operator_scope(msp_id, tenant_id or msp_id)
        async with services.db.transaction(scope) as session:
            found = await read_roles(session, await services.get(PolicyCache).index_for(session, scope))
        lines = [f"{one.id}  {one.name}  {one.members}" for one in found]
        return CommandResult("\n".join(lines), [msgspec.to_builtins(one) for one in found])

    run_with_services(act)


@role.command()
@MSP
@CLIENT_OR_MSP
@_ROLE
def show(*, msp_id: UUID, tenant_id: UUID | None, role: str) -> None:
    """Show a role's permissions."""

    async def act(services: AppServices) -> CommandResult:
        scope = operator_scope(msp_id, tenant_id or msp_id)
        async with services.db.transaction(scope) as session:
            found = await read_role(session, await services.get(PolicyCache).index_for(session, scope), role)
        return CommandResult("\n".join([found.name, *found.permissions]), msgspec.to_builtins(found))

    run_with_services(act)


@role.command()
@MSP
@CLIENT_OR_MSP
@_NAME
@_ABOUT
@_PERMISSIONS
def create(*, msp_id: UUID, tenant_id: UUID | None, name: str, about: str, permissions: tuple[str, ...]) -> None:
    """Create a role of the account's own."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            made = await services.get(RoleManager).create(session, None, RoleContent(name, permissions, about))
        return CommandResult(f"{made.id}\n{made.name} is created.", {"id": made.id, "name": made.name})

    run_with_services(act)


@role.command()
@MSP
@CLIENT_OR_MSP
@_ROLE
@_NAME
@_ABOUT
@_PERMISSIONS
def change(  # noqa: PLR0913 - keyword-only
    *, msp_id: UUID, tenant_id: UUID | None, role: str, name: str, about: str, permissions: tuple[str, ...]
) -> None:
    """Replace the name and the permissions of a role of the account's own."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            content = RoleContent(name, permissions, about)
            changed = await services.get(RoleManager).change(session, None, role, content)
        return CommandResult(f"{changed.name} is saved.", {"id": changed.id, "name": changed.name})

    run_with_services(act)


@role.command()
@MSP
@CLIENT_OR_MSP
@_ROLE
def delete(*, msp_id: UUID, tenant_id: UUID | None, role: str) -> None:
    """Delete a role of the account's own that is not assigned."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            await services.get(RoleManager).delete(session, None, role)
        return CommandResult(f"{role} is deleted.", {"id": role})

    run_with_services(act)


COMMANDS = (CliCommand(command=role),)
