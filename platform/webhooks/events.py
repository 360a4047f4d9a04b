"""Domain events of this room. The subject is the endpoint."""

from typing import Any, Final

import msgspec

from foundation.events import EventType


class EndpointTurn(msgspec.Struct, frozen=True):
    """A pause or resumption. `name` is the endpoint's description, or the host of its address."""

    name: str


ENDPOINT_PAUSED: Final = EventType("webhook_endpoint.paused", "A failing webhook endpoint was paused", EndpointTurn)
"""Published when the product pauses an endpoint, not when a person does."""
ENDPOINT_RESUMED: Final = EventType("webhook_endpoint.resumed", "A webhook endpoint was resumed", EndpointTurn)
"""Published when an endpoint is resumed, or deleted while paused."""

EVENTS: Final[tuple[EventType[Any], ...]] = (ENDPOINT_PAUSED, ENDPOINT_RESUMED)
