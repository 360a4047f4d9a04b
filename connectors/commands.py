"""`fairlead connector` and `fairlead connection`: the supported systems, and new connections."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click

from connectors.add_connection import add_connection
from connectors.connection_input import ConnectionInput
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
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT, MSP
from tenants.states import Environment

Pairs = tuple[str, ...]
SETTINGS: Final = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting; can be repeated."
)
SECRETS: Final = click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME=FILE",
    help="A secret, read from the first line of a file; can be repeated.",
)
SKIP_TEST: Final = click.option("--skip-test", is_flag=True, help="Save without a test of the connection.")


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
@SETTINGS
@SECRETS
@click.option("--environment", type=click.Choice(list(Environment)), help="live or sandbox.")
@click.option("--jurisdiction", default="", help="Country or region whose law applies, such as DE or US-CA.")
@click.option("--partner", "partner_id", type=click.UUID, help="ID of the trading partner who sees the channel.")
@click.option("--expires-on", default="", help="Day on which the credentials expire, such as 2027-03-31.")
@click.option("--draft", is_flag=True, help="Nothing is taken from it or sent to it until `connection resume`.")
@SKIP_TEST
def create(*, msp_id: UUID, tenant_id: UUID, settings: Pairs, secrets: Pairs, **given: Any) -> None:
    """Connect one of a client's systems, once a test reading has succeeded. A source that can be polled is polled from
    now on.

    Secrets are never arguments, because other users of the machine can read arguments. They are stored in the vault.
    """
    new = ConnectionInput(
        kind=given["kind"], name=given["name"], base_url=given["url"], settings=read_settings(settings),
        secrets=read_secrets(secrets), environment=read_environment(given["environment"]),
        jurisdiction=given["jurisdiction"], partner_id=given["partner_id"],
        credentials_expire_on=given["expires_on"], skip_test=given["skip_test"],
        draft=given["draft"],
    )  # fmt: skip

    async def act(services: AppServices) -> CommandResult:
        runtime = services.get(ConnectorRuntime)
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            connection_id = await add_connection(session, runtime, new, now=utc_now(), new_id=services.new_id)
        found = runtime.registry[new.kind]
        lines, hook = [f"connection {connection_id}"], None
        if found.poll is not None and not new.draft:
            lines.append("Polling has started.")
        if found.webhook is not None:
            hook = f"/hooks/{connection_id}"
            lines.append(f"Send webhooks to {hook} on any host of this installation.")
        data = {"id": connection_id, "kind": new.kind, "name": new.name, "webhook_path": hook}
        return CommandResult("\n".join(lines), data)

    run_with_services(act)


def read_settings(pairs: Pairs) -> dict[str, str]:
    """Settings given as NAME=VALUE. Raises InvalidInput."""
    return dict(read_pairs(pairs, "--set"))


def read_secrets(pairs: Pairs) -> dict[str, str]:
    """Secrets from the first lines of the files given as NAME=FILE. Raises InvalidInput."""
    return {name: read_first_line(Path(file), "--secret") for name, file in read_pairs(pairs, "--secret")}


def read_environment(text: str | None) -> Environment | None:
    return Environment(text) if text else None


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
