"""`fairlead webhook`: webhook endpoints of a client or an MSP."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now, write_utc
from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.rooms import AppServices, CliCommand
from tenants.command_options import CLIENT_OR_MSP, MSP
from tenants.list_command import list_command
from webhooks import deliveries, endpoints
from webhooks.body import message_id_of
from webhooks.lists import DELIVERIES, ENDPOINTS
from webhooks.queries import list_endpoints, read_endpoint
from webhooks.schemas import WebhookDeliveryView, WebhookEndpointChanges, WebhookEndpointInput, WebhookReplay
from webhooks.services import WebhookServices

_ENDPOINT: Final = click.option(
    "--endpoint", "endpoint_id", type=click.UUID, required=True, help="The endpoint's ID (`fairlead webhook list`)."
)
_DELIVERY: Final = click.option(
    "--delivery",
    "delivery_id",
    type=click.UUID,
    required=True,
    help="The delivery's ID (`fairlead webhook deliveries`).",
)
_TIME: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
_Use = Callable[[AsyncSession, WebhookServices], Awaitable[CommandResult]]


@click.group(cls=NounGroup)
def webhook() -> None:
    """Webhooks: addresses that receive events."""


@webhook.command("list")
@MSP
@CLIENT_OR_MSP
def list_(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """List the endpoints of an account, newest first."""

    async def use(session: AsyncSession, _: WebhookServices) -> CommandResult:
        found = (await list_endpoints(session, ENDPOINTS.query(), utc_now())).items
        lines = [f"{one.id}  {one.state}  {one.pending} pending  {one.url}" for one in found]
        return CommandResult("\n".join(lines) or "no webhooks", msgspec.to_builtins(found))

    _run(msp_id, tenant_id, use)


@webhook.command("create")
@MSP
@CLIENT_OR_MSP
@click.option("--url", required=True, help="Address that receives the events.")
@click.option("--event", "event_types", multiple=True, required=True, help="Event type; repeatable.")
@click.option("--description", default="", help="The system that receives them.")
def create(*, msp_id: UUID, tenant_id: UUID | None, url: str, event_types: tuple[str, ...], description: str) -> None:
    """Add an endpoint. Its signing secret is printed this once."""
    wanted = WebhookEndpointInput(url, list(event_types), description)

    async def use(session: AsyncSession, services: WebhookServices) -> CommandResult:
        made, secret = await endpoints.add_endpoint(session, services, wanted, now=utc_now())
        return CommandResult(f"webhook {made}\nsigning secret {secret}", {"id": made, "secret": secret})

    _run(msp_id, tenant_id, use)


@webhook.command("update")
@MSP
@CLIENT_OR_MSP
@_ENDPOINT
@click.option("--url", help="Address that receives the events.")
@click.option("--event", "event_types", multiple=True, help="Event type; repeatable, replaces all.")
@click.option("--description", help="The system that receives them.")
def update(*, msp_id: UUID, tenant_id: UUID | None, endpoint_id: UUID, **given: Any) -> None:
    """Change an endpoint."""
    types = list(given["event_types"]) or None
    changes = WebhookEndpointChanges(url=given["url"], event_types=types, description=given["description"])

    async def use(session: AsyncSession, services: WebhookServices) -> CommandResult:
        revision = (await endpoints.get_endpoint(session, endpoint_id)).revision
        await endpoints.change_endpoint(session, services, endpoint_id, changes, revision=revision, now=utc_now())
        view = await read_endpoint(session, endpoint_id, now=utc_now())
        return CommandResult(f"saved as revision {view.revision}", msgspec.to_builtins(view))

    _run(msp_id, tenant_id, use)


@webhook.command("rotate-secret")
@MSP
@CLIENT_OR_MSP
@_ENDPOINT
def rotate(*, msp_id: UUID, tenant_id: UUID | None, endpoint_id: UUID) -> None:
    """Create a new signing secret, printed this once. The previous one signs too for a day."""

    async def use(session: AsyncSession, services: WebhookServices) -> CommandResult:
        secret, until = await endpoints.rotate_secret(session, services, endpoint_id, now=utc_now())
        lines = f"signing secret {secret}\nthe previous one signs until {write_utc(until)}"
        return CommandResult(lines, {"secret": secret, "previous_until": until})

    _run(msp_id, tenant_id, use)


@webhook.command("test")
@MSP
@CLIENT_OR_MSP
@_ENDPOINT
def test(*, msp_id: UUID, tenant_id: UUID | None, endpoint_id: UUID) -> None:
    """Send a test event."""

    async def use(session: AsyncSession, _: WebhookServices) -> CommandResult:
        message = message_id_of(await deliveries.send_test(session, endpoint_id, now=utc_now()))
        return CommandResult(f"queued {message}", {"message_id": message})

    _run(msp_id, tenant_id, use)


@webhook.command("pause")
@MSP
@CLIENT_OR_MSP
@_ENDPOINT
def pause(*, msp_id: UUID, tenant_id: UUID | None, endpoint_id: UUID) -> None:
    """Pause an endpoint. Events are kept."""

    async def use(session: AsyncSession, _: WebhookServices) -> CommandResult:
        await endpoints.pause_endpoint(session, endpoint_id, now=utc_now())
        return CommandResult("paused", {"id": endpoint_id, "state": "paused"})

    _run(msp_id, tenant_id, use)


@webhook.command("resume")
@MSP
@CLIENT_OR_MSP
@_ENDPOINT
def resume(*, msp_id: UUID, tenant_id: UUID | None, endpoint_id: UUID) -> None:
    """Resume an endpoint. Pending events are sent in order."""

    async def use(session: AsyncSession, _: WebhookServices) -> CommandResult:
        await endpoints.resume_endpoint(session, endpoint_id, now=utc_now())
        return CommandResult("resumed", {"id": endpoint_id, "state": "active"})

    _run(msp_id, tenant_id, use)


@webhook.command("replay")
@MSP
@CLIENT_OR_MSP
@_ENDPOINT
@click.option("--since", type=_TIME, required=True, help="Beginning in UTC, such as 2026-11-29.")
@click.option("--until", type=_TIME, required=True, help="End in UTC, not included.")
def replay(*, msp_id: UUID, tenant_id: UUID | None, endpoint_id: UUID, since: datetime, until: datetime) -> None:
    """Send the finished events of a period again, with their message IDs."""
    wanted = WebhookReplay(since.replace(tzinfo=UTC), until.replace(tzinfo=UTC))

    async def use(session: AsyncSession, _: WebhookServices) -> CommandResult:
        number = await deliveries.replay_range(session, endpoint_id, wanted, now=utc_now())
        return CommandResult(f"{number} events are sent again", {"replayed": number})

    _run(msp_id, tenant_id, use)


@webhook.command("replay-delivery")
@MSP
@CLIENT_OR_MSP
@_ENDPOINT
@_DELIVERY
def replay_delivery(*, msp_id: UUID, tenant_id: UUID | None, endpoint_id: UUID, delivery_id: UUID) -> None:
    """Send one finished event again, with its message ID."""

    async def use(session: AsyncSession, _: WebhookServices) -> CommandResult:
        made = await deliveries.replay_delivery(session, endpoint_id, delivery_id, now=utc_now())
        return CommandResult(f"queued {made}", {"id": made})

    _run(msp_id, tenant_id, use)


@webhook.command("skip")
@MSP
@CLIENT_OR_MSP
@_ENDPOINT
@_DELIVERY
def skip(*, msp_id: UUID, tenant_id: UUID | None, endpoint_id: UUID, delivery_id: UUID) -> None:
    """Skip a pending event, so that those behind it are sent."""

    async def use(session: AsyncSession, _: WebhookServices) -> CommandResult:
        await deliveries.skip_delivery(session, endpoint_id, delivery_id, now=utc_now())
        return CommandResult("skipped", {"id": delivery_id, "state": "skipped"})

    _run(msp_id, tenant_id, use)


@webhook.command("delete")
@MSP
@CLIENT_OR_MSP
@_ENDPOINT
def delete(*, msp_id: UUID, tenant_id: UUID | None, endpoint_id: UUID) -> None:
    """Delete an endpoint. Pending events are not sent."""

    async def use(session: AsyncSession, _: WebhookServices) -> CommandResult:
        revision = (await endpoints.get_endpoint(session, endpoint_id)).revision
        await endpoints.delete_endpoint(session, endpoint_id, revision=revision, now=utc_now())
        return CommandResult("deleted", {"id": endpoint_id})

    _run(msp_id, tenant_id, use)


def _run(msp_id: UUID, tenant_id: UUID | None, use: _Use) -> None:
    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id or msp_id)) as session:
            return await use(session, services.get(WebhookServices))

    run_with_services(act)


def _line(one: WebhookDeliveryView) -> str:
    return f"{one.id}  {one.state}  {one.event_type}  {one.attempts} attempts  {one.outcome}"


webhook.add_command(
    list_command(
        DELIVERIES, _line, about="List the deliveries of an endpoint, latest first.", name="deliveries", of_msp=True,
        parent=("endpoint_id", _ENDPOINT),
    )
)  # fmt: skip
COMMANDS: Final = (CliCommand(command=webhook),)
