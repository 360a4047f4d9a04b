"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.client_env import ClientEnv
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.states import DeliveryState, EndpointState


async def add_rows(env: ClientEnv, text: str) -> None:
    """A webhook of the client and one of its MSP, each with a delivery of the same id: addresses contain both."""
    for scope in (env.scope, env.msp_account):
        own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "id": new_id()}
        async with env.services.db.transaction(scope) as session:
            session.add_all((
                WebhookEndpoint(
                    **own, url="https://hooks.example.com/", description=text, event_types=["change.released"],
                    state=EndpointState.ACTIVE, created_at=utc_now(), created_by=text,
                ),
                WebhookDelivery(
                    **own, endpoint_id=own["id"], event_id=new_id(), event_type="change.released", source=text,
                    subject="x", event_at=utc_now(), data={}, state=DeliveryState.DELIVERED, next_at=utc_now(),
                    created_at=utc_now(),
                ),
            ))  # fmt: skip
