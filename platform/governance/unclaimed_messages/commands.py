"""`fairlead unclaimed-message`: messages of types that the product does not process yet."""

from typing import Final
from uuid import UUID

import click

from connectors.translation.subscriptions import build_router
from connectors.translation.unclaimed_messages import discard_unclaimed, replay_unclaimed
from foundation.clock import utc_now, write_utc
from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.rooms import AppServices, CliCommand
from governance.unclaimed_messages.queries import list_unclaimed
from tenants.command_options import CLIENT, MSP, REASON

_CONNECTION: Final = click.option(
    "--connection", "connection_id", type=click.UUID, required=True, help="The connection's ID."
)
_TYPE: Final = click.option("--type", "message_type", required=True, help="The type, such as shipment.v1.")


@click.group("unclaimed-message", cls=NounGroup)
def unclaimed() -> None:
    """Messages of a client's systems that the product does not process yet. They are stored."""


@unclaimed.command("list")
@MSP
@CLIENT
def list_(msp_id: UUID, tenant_id: UUID) -> None:
    """List unclaimed messages by connection and type, those kept longest first."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            groups = await list_unclaimed(session, build_router(services))
        lines = [
            f"{one.connection_id} {one.message_type}: {one.messages} messages of {one.connection} since"
            f" {write_utc(one.oldest_at)}, the newest about {one.reference};"
            f" {'can be replayed' if one.can_replay else 'not processed yet'}"
            for one in groups
        ]
        return CommandResult("\n".join(lines or ["no unclaimed messages"]), groups)

    run_with_services(act)


@unclaimed.command()
@MSP
@CLIENT
@_CONNECTION
@_TYPE
def replay(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID, message_type: str) -> None:
    """Deliver the kept messages of one connection and type to the rooms that read them now. Each is delivered once."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            done = await replay_unclaimed(
                session, build_router(services), connection_id=connection_id, message_type=message_type, now=utc_now()
            )
        return CommandResult(f"{done.replayed} source events replayed, {done.remaining} remain", done)

    run_with_services(act)


@unclaimed.command()
@MSP
@CLIENT
@_CONNECTION
@_TYPE
@click.option("--reason", required=True, type=REASON, help="Recorded in the client's audit trail.")
def discard(*, msp_id: UUID, tenant_id: UUID, connection_id: UUID, message_type: str, reason: str) -> None:
    """Discard the unclaimed messages of one connection and type. Their source messages remain stored."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            gone = await discard_unclaimed(
                session, build_router(services), connection_id=connection_id, message_type=message_type,
                reason=reason, now=utc_now(),
            )  # fmt: skip
        return CommandResult(f"{gone} messages discarded", {"discarded": gone})

    run_with_services(act)


COMMANDS: Final = (CliCommand(command=unclaimed),)
