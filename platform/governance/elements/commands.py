"""Command that publishes the contracts of a client's prices, stock and costs."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import click

from connectors.connections import get_connection
from foundation.clock import utc_now
from foundation.commands import operator_scope, run_with_services
from foundation.errors import InvalidInput
from foundation.rooms import AppServices, CliCommand
from governance.elements.publish_contract import publish_usual_contracts
from tenants.command_options import MSP, TENANT


@click.command("publish-contracts")
@MSP
@TENANT
@click.option("--source", type=click.UUID, required=True, help="The connection that is right about price, stock, cost.")
@click.option("--seconds", default=30.0, show_default=True, help="From release until a value must be visible.")
@click.option(
    "--decide-hours", default=24.0, show_default=True, help="From a proposal until people must have answered."
)
@click.option("--hours", default=4.0, show_default=True, help="Until an exception must be corrected.")
def publish_contracts(  # noqa: PLR0913 - click passes options by name
    *, msp_id: UUID, tenant_id: UUID, source: UUID, seconds: float, decide_hours: float, hours: float
) -> None:
    """Say which system is right about a client's prices, stock and costs, and how soon a value must be visible."""

    async def act(services: AppServices) -> str:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            found = await get_connection(session, source)
            if found.role != "erp":
                raise InvalidInput(
                    f"“{found.name}” is a channel. Name the system that is right about values.", field="source"
                )
            await publish_usual_contracts(
                session,
                source,
                propagation_slo=timedelta(seconds=seconds),
                correction_slo=timedelta(hours=hours),
                decision_slo=timedelta(hours=decide_hours),
                now=utc_now(),
            )
        return f"prices, stock and costs are {found.name}'s"

    run_with_services(act)


COMMANDS: Final = (CliCommand(command=publish_contracts, under="tenant"),)
