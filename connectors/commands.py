"""`fairlead connector` and `fairlead connection`: which systems can be connected, and connecting one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final
from uuid import UUID

import click

from connectors.connections import create_connection
from connectors.poll_job import schedule_poll
from connectors.ports import Connector
from connectors.registry import build_registry
from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    operator_scope,
    print_result,
    read_first_line,
    read_pairs,
    run_with_services,
)
from foundation.errors import InvalidInput
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT, MSP


@click.group(cls=NounGroup)
def connector() -> None:
    """Kinds of system that can be connected."""


@connector.command("list")
def list_connectors() -> None:
    """List the kinds of system that can be connected, and the settings of each."""
    found = dict(sorted(build_registry().items()))
    text = "\n".join(line for kind, each in found.items() for line in _lines(kind, each))
    print_result(CommandResult(text, [{"kind": kind, **_fields(each)} for kind, each in found.items()]))


@click.group(cls=NounGroup)
def connection() -> None:
    """Connections of a client to its systems."""


@connection.command("create")
@MSP
@CLIENT
@click.option("--kind", required=True, help="A kind that `fairlead connector list` shows.")
@click.option("--name", required=True, help="Name shown to members, e.g. Web shop.")
@click.option("--url", required=True, help="Base address of the system.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting; can be repeated.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME=FILE",
    help="A secret, read from the first line of a file; can be repeated.",
)
def create(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    kind: str,
    name: str,
    url: str,
    settings: tuple[str, ...],
    secrets: tuple[str, ...],
) -> None:
    """Connect one of a client's systems. A source that can be polled is polled from now on.

    Secrets are never arguments, because other users of the machine can read arguments. They are stored in the vault.
    """
    plain = dict(read_pairs(settings, "--set"))
    secret = {n: read_first_line(Path(f), "--secret") for n, f in read_pairs(secrets, "--secret")}

    async def act(services: AppServices) -> CommandResult:
        registry = services.get(ConnectorRuntime).registry
        found = registry.get(kind)
        if found is None:
            known = ", ".join(sorted(registry))
            raise InvalidInput(f"There is no system of kind “{kind}”. Choose one of: {known}.", field="kind")
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            connection_id = await create_connection(
                session, services.vault, connector=found, name=name, base_url=url, settings=plain,
                secrets=secret, now=utc_now(), new_id=services.new_id,
            )  # fmt: skip
            if found.poll is not None:
                await schedule_poll(session, connection_id, at=utc_now())
        lines, hook = [f"connection {connection_id}"], None
        if found.poll is not None:
            lines.append("Polling has started.")
        if found.webhook is not None:
            hook = f"/hooks/{connection_id}"
            lines.append(f"Send webhooks to {hook} on any host of this installation.")
        return CommandResult("\n".join(lines), {"id": connection_id, "kind": kind, "name": name, "webhook_path": hook})

    run_with_services(act)


def _lines(kind: str, found: Connector) -> Iterable[str]:
    directions = [name for name, has in (("source", found.is_source), ("channel", bool(found.writes))) if has]
    yield f"{kind}: {found.manifest.title} ({' and '.join(directions)})"
    for field in found.manifest.fields:
        option = "--secret" if field.secret else "--set"
        needed = "required" if field.required and not field.default else "optional"
        yield f"  {option} {field.name}=…  {field.label}, {needed}"


def _fields(found: Connector) -> dict[str, object]:
    manifest = found.manifest
    return {
        "title": manifest.title, "is_source": found.is_source, "writes": found.writes, "fields": manifest.fields,
    }  # fmt: skip


COMMANDS: Final = (CliCommand(command=connector), CliCommand(command=connection))
