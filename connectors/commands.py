"""Commands of connections: the kinds of system, and connecting one."""

from pathlib import Path
from typing import Final
from uuid import UUID

import click

from connectors.connections import create_connection
from connectors.poll_job import schedule_poll
from connectors.registry import build_registry
from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from foundation.commands import operator_scope, read_first_line, read_pairs, run_with_services
from foundation.errors import InvalidInput
from foundation.rooms import AppServices, CliCommand
from foundation.terminal import say
from tenants.command_options import MSP, TENANT


@click.command("systems")
def systems() -> None:
    """The kinds of system that can be connected, and the settings each one takes."""
    for kind, connector in sorted(build_registry().items()):
        say(f"{kind}: {connector.manifest.title} ({connector.manifest.role})")
        for field in connector.manifest.fields:
            option = "--secret" if field.secret else "--set"
            needed = "needed" if field.required and not field.default else "optional"
            say(f"  {option} {field.name}=…  {field.label}, {needed}")


@click.command("connect")
@MSP
@TENANT
@click.option("--kind", required=True, help="One of `fairlead tenant systems`.")
@click.option("--name", required=True, help="What people call it, e.g. Web shop.")
@click.option("--url", required=True, help="The system's base address.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting; may be given again.")
@click.option(
    "--secret", "secrets", multiple=True, metavar="NAME=FILE", help="A secret, read from a file's first line; again."
)
def connect(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    kind: str,
    name: str,
    url: str,
    settings: tuple[str, ...],
    secrets: tuple[str, ...],
) -> None:
    """Connect one of a client's systems. A source that can be asked is asked from now on.

    Secrets are never arguments: other users of the machine can read those. They go to the vault.
    """
    plain = dict(read_pairs(settings, "--set"))
    secret = {n: read_first_line(Path(f), "--secret") for n, f in read_pairs(secrets, "--secret")}

    async def act(services: AppServices) -> str:
        registry = services.get(ConnectorRuntime).registry
        connector = registry.get(kind)
        if connector is None:
            known = ", ".join(sorted(registry))
            raise InvalidInput(f"There is no system of kind “{kind}”. Choose one of: {known}.", field="kind")
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            connection_id = await create_connection(
                session, services.vault, manifest=connector.manifest, name=name, base_url=url, settings=plain,
                secrets=secret, now=utc_now(), new_id=services.new_id,
            )  # fmt: skip
            if connector.poll is not None:
                await schedule_poll(session, connection_id, at=utc_now())
        told = [f"connection {connection_id}"]
        if connector.poll is not None:
            told.append("It is asked for its values from now on.")
        if connector.webhook is not None:
            told.append(f"Its webhooks go to /hooks/{connection_id} on any host of this installation.")
        return "\n".join(told)

    run_with_services(act)


COMMANDS: Final = (CliCommand(command=systems, under="tenant"), CliCommand(command=connect, under="tenant"))
