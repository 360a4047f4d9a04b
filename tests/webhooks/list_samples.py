"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.list_rows import ListSample, Matches, Rows
from webhooks.models import WebhookEndpoint
from webhooks.states import EndpointState


async def add_webhook(rows: Rows, number: int) -> Matches:
    state = EndpointState.PAUSED if number % 2 else EndpointState.ACTIVE
    await rows.sample.add(
        WebhookEndpoint(
            **rows.own, id=new_id(), url=f"https://hooks.example.com/{number}", description=rows.name(number),
            event_types=["change.released"], state=state, created_at=utc_now(), created_by="Ada",
            paused_at=utc_now() if number % 2 else None,
        )
    )  # fmt: skip
    return {"status": [state]}


SAMPLES: dict[str, ListSample] = {"webhook-endpoints": add_webhook}
TESTED_ELSEWHERE = {"webhook-deliveries": "tests/webhooks/test_sending.py: its address names an endpoint"}
