"""The lists of endpoints and of an endpoint's deliveries."""

from typing import Final

from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, ListDefinition, TextFilter
from foundation.web.pagination import Sort, SortKey
from webhooks.queries import list_deliveries, list_endpoints
from webhooks.schemas import WebhookDeliveryView, WebhookEndpointView
from webhooks.states import DeliveryState, EndpointState

ENDPOINTS: Final = ListDefinition[WebhookEndpointView](
    name="webhook-endpoints",
    title=N_("Webhooks"),
    item=WebhookEndpointView,
    load=list_endpoints,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[("", N_("Any")), *((str(state), state.label) for state in EndpointState)],
        )
    ],
    sorts=[
        Sort(
            name="-created",
            label=N_("Newest first"),
            reverse_label=N_("Oldest first"),
            keys=[SortKey("e.id", "uuid", descending=True)],
        )
    ],
    columns=[
        "id", "url", "description", "state", "paused_for", "paused_at", "failing_since", "last_success_at",
        "last_failure_at", "created_at", "created_by", "pending",
    ],
)  # fmt: skip
DELIVERIES: Final = ListDefinition[WebhookDeliveryView](
    name="webhook-deliveries",
    title=N_("Deliveries"),
    item=WebhookDeliveryView,
    load=list_deliveries,
    filters=[
        ChoiceFilter(
            name="status",
            label=N_("State"),
            options=[("", N_("Any")), *((str(state), state.label) for state in DeliveryState)],
        ),
        TextFilter(name="event_type", label=N_("Event type"), about="Name of the event type, such as change.released."),
    ],
    sorts=[
        Sort(
            name="-sent",
            label=N_("Latest first"),
            reverse_label=N_("Earliest first"),
            keys=[SortKey("d.seq", "bigint", descending=True)],
        )
    ],
    columns=[
        "id", "message_id", "event_type", "source", "subject", "event_at", "state", "attempts", "next_at",
        "finished_at", "is_replay", "status_code", "outcome",
    ],
)  # fmt: skip
