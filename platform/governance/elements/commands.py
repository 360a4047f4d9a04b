"""`fairlead contract`: element contracts of a client: source of truth, owner and targets."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import click

from connectors.connections import get_connection
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.errors import InvalidInput
from foundation.rooms import AppServices, CliCommand
from governance.elements.publish_contract import publish_usual_contracts
from tenants.command_options import CLIENT, MSP


@click.group(cls=NounGroup)
def contract() -> None:
    """Element contracts: data ownership and targets."""


@contract.command("publish")
@MSP
@CLIENT
@click.option("--source", type=click.UUID, required=True, help="Connection that is the source of truth.")
@click.option(
    "--publish-seconds", default=30.0, show_default=True, help="From release until the value is visible on a channel."
)
@click.option("--decide-hours", default=24.0, show_default=True, help="From proposal until an approver has decided.")
@click.option("--correct-hours", default=4.0, show_default=True, help="Until an exception is corrected.")
def publish_contracts(  # noqa: PLR0913 - click passes options by name
    *, msp_id: UUID, tenant_id: UUID, source: UUID, publish_seconds: float, decide_hours: float, correct_hours: float
) -> None:
    """Publish the source of truth of a client's prices, stock and costs, and the targets."""
    targets = {
        "propagation_slo": timedelta(seconds=publish_seconds),
        "correction_slo": timedelta(hours=correct_hours),
        "decision_slo": timedelta(hours=decide_hours),
    }

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            found = await get_connection(session, source)
            if not found.is_source:
                raise InvalidInput(
                    f"“{found.name}” reports no values. Choose the system that owns them.", field="source"
                )
            await publish_usual_contracts(session, source, now=utc_now(), **targets)
        seconds = {name: target.total_seconds() for name, target in targets.items()}
        return CommandResult(
            f"The source of truth of prices, stock and costs is {found.name}.",
            {"source": source, "name": found.name, **seconds},
        )

    run_with_services(act)


COMMANDS: Final = (CliCommand(command=contract),)
