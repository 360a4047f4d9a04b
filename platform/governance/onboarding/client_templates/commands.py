"""`fairlead client-template`: templates of an MSP, and the clients that follow them."""

from pathlib import Path
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.decoding import decode_json
from foundation.errors import InvalidInput, NotFound
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from governance.onboarding.client_templates.apply import apply_version, set_kept
from governance.onboarding.client_templates.client_state import read_own_content
from governance.onboarding.client_templates.content import TemplateContent
from governance.onboarding.client_templates.lists import CLIENT_TEMPLATES, TEMPLATE_CLIENTS
from governance.onboarding.client_templates.queries import compare_use, version_view
from governance.onboarding.client_templates.save import create_template, save_version
from governance.onboarding.client_templates.store import StoredVersion, find_use, list_named, load_version
from tenants.accounts import get_client
from tenants.command_options import CLIENT, CLIENT_OF_MSP, MSP

_NAME: Final = click.option("--name", required=True, help="The template's name.")
_FROM: Final = click.option("--from-client", "source", type=CLIENT_OF_MSP, help="A client whose contracts it takes.")
_FILE: Final = click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its content as JSON."
)
_NOTE: Final = click.option("--note", default="", help="What this version is for.")
_KEY: Final = click.option("--item", "key", required=True, help="The item's key, as `status` shows it.")


@click.group("client-template", cls=NounGroup)
def client_template() -> None:
    """Templates for clients: contracts, policy rules, connections, go-live checklist, plan, prices, escalation."""


@client_template.command("list")
@MSP
def list_(*, msp_id: UUID) -> None:
    """List the templates of an MSP."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await CLIENT_TEMPLATES.load_most(session, utc_now())
        lines = [f"{one.name}  version {one.version}  {one.clients} clients, {one.behind} behind" for one in found]
        return CommandResult("\n".join(lines) or "no templates", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@client_template.command("show")
@MSP
@_NAME
def show(*, msp_id: UUID, name: str) -> None:
    """Show the newest version of a template with its content."""

    async def act(session: AsyncSession) -> CommandResult:
        view = version_view(await _named(session, name))
        content = msgspec.json.format(msgspec.json.encode(view.content)).decode()
        return CommandResult(f"{view.name}, version {view.version}\n{content}", msgspec.to_builtins(view))

    run_in_account(operator_scope(msp_id, msp_id), act)


@client_template.command("save")
@MSP
@_NAME
@_FROM
@_FILE
@_NOTE
def save(*, msp_id: UUID, name: str, source: UUID | None, path: Path | None, note: str) -> None:
    """Save a template, or the next version of the one with this name, from a client or a file."""
    if (source is None) == (path is None):
        raise click.UsageError("Name either --from-client or --file.")

    async def act(services: AppServices) -> CommandResult:
        content = _read(path) if path is not None else TemplateContent()
        if source is not None:
            async with services.db.transaction(operator_scope(msp_id, source)) as session:
                content = await read_own_content(session, now=utc_now())
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            known = (await list_named(session, [name])).get(name)
            version = 1
            if known is None:
                await create_template(session, name=name, content=content, note=note, now=utc_now(), new_id=new_id)
            else:
                version = await save_version(session, known.template_id, content, note=note, now=utc_now())
        return CommandResult(f"{name}: version {version} saved", {"name": name, "version": version})

    run_with_services(act)


@client_template.command("apply")
@MSP
@CLIENT
@_NAME
def apply(*, msp_id: UUID, tenant_id: UUID, name: str) -> None:
    """Apply the newest version of a template to a client. Items that the client keeps are unchanged."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            version = await _named(session, name)
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            registry = services.get(ConnectorRuntime).registry
            result = await apply_version(session, version, registry=registry, now=utc_now(), new_id=new_id)
        lines = [
            f"version {version.version}: {len(result.applied)} applied, {len(result.waiting)} waiting",
            *(f"refused  {one.key}  {one.detail}" for one in result.refused),
        ]
        if result.later:
            lines.append("plan and prices are set by a job; `fairlead client-template status` shows the result")
        if result.drafted:
            lines.append("the rules are in the draft of the policy")
        return CommandResult("\n".join(lines), msgspec.to_builtins(result))

    run_with_services(act)


@client_template.command("status")
@MSP
@CLIENT
def status(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show the differences between a client and the template that it follows."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            used, client = await find_use(session), await get_client(session)
        if used is None:
            raise NotFound("The client follows no template.")
        async with services.db.transaction(operator_scope(msp_id, msp_id)) as session:
            newest = await load_version(session, used.template_id)
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            view = await compare_use(session, used, client=client.slug, latest=newest.latest, now=utc_now())
        lines = [f"{one.state:8}  {one.key}  {one.label}" for one in view.items]
        said = f"{view.name}, version {view.version} of {view.latest}: {view.summary}"
        problem = [f"plan and prices could not be set: {view.problem}"] if view.problem else []
        return CommandResult("\n".join([said, *problem, *lines]), msgspec.to_builtins(view))

    run_with_services(act)


@client_template.command("keep")
@MSP
@CLIENT
@_KEY
def keep(*, msp_id: UUID, tenant_id: UUID, key: str) -> None:
    """Keep an item as the client has it."""
    _set_kept(msp_id, tenant_id, key, keep=True)


@client_template.command("follow")
@MSP
@CLIENT
@_KEY
def follow(*, msp_id: UUID, tenant_id: UUID, key: str) -> None:
    """Follow the template again in an item that the client keeps."""
    _set_kept(msp_id, tenant_id, key, keep=False)


@client_template.command("clients")
@MSP
def clients(*, msp_id: UUID) -> None:
    """List the clients that follow a template, with their differences."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await TEMPLATE_CLIENTS.load_most(session, utc_now())
        lines = [f"{one.client}  {one.template} {one.version} of {one.latest}  {one.summary}" for one in found]
        return CommandResult("\n".join(lines) or "no clients", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


def _set_kept(msp_id: UUID, tenant_id: UUID, key: str, *, keep: bool) -> None:
    async def act(session: AsyncSession) -> CommandResult:
        await set_kept(session, key, keep=keep, now=utc_now())
        return CommandResult(f"{key}: {'kept' if keep else 'follows the template'}", {"item": key, "keep": keep})

    run_in_account(operator_scope(msp_id, tenant_id), act)


async def _named(session: AsyncSession, name: str) -> StoredVersion:
    """Raises NotFound."""
    found = (await list_named(session, [name])).get(name)
    if found is None:
        raise NotFound(f"The MSP has no template “{name}”. `fairlead client-template list` shows all.")
    return found


def _read(path: Path) -> TemplateContent:
    """Raises InvalidInput."""
    try:
        return decode_json(path.read_bytes(), TemplateContent)
    except (msgspec.DecodeError, OSError) as wrong:
        raise InvalidInput(f"The file is no content of a template: {wrong}", field="file") from wrong


COMMANDS: Final = (CliCommand(command=client_template),)
