"""Dependencies of this room's jobs and use cases; created once by the composition root."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from foundation.clock import Clock
from foundation.database.engine import Database
from foundation.outbound.client import OutboundClient
from foundation.rooms import AppServices, build_from
from foundation.vault.vault import Vault
from tenants.secrets import NewSecret
from webhooks.event_types import WebhookEventType

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WebhookServices:
    """Services of this room. `event_types` are those that can be chosen, by name."""

    db: Database
    vault: Vault
    outbound: OutboundClient
    clock: Clock
    new_secret: NewSecret
    event_types: Mapping[str, WebhookEventType[Any]]
    jitter: Callable[[], float] = field(default=random.random)


def with_services(build: Callable[[WebhookServices], Sequence[T]]) -> Callable[[AppServices], Sequence[T]]:
    """Factory of the room's parts that need these services."""
    return build_from(WebhookServices, build)
