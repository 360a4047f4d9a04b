"""Signed deliveries of the fake's events; by seed twice, late, out of order, or never."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from stripe import WebhookSignature

from tests.support.stripe_fake.store import Object, World, copy


@dataclass(frozen=True)
class Delivery:
    account: str | None
    body: bytes
    is_thin: bool

    def headers(self, secret: str, *, at: int | None = None) -> dict[str, str]:
        signature = WebhookSignature.generate_signature_header(self.body.decode(), secret, timestamp=at)
        return {"stripe-signature": signature, "content-type": "application/json"}


def delivery_of(event: Object) -> Delivery:
    sent = copy(event)
    if not event.get("_thin"):
        return Delivery(event.get("account"), json.dumps(sent).encode(), is_thin=False)
    sent.pop("data")
    sent["object"] = "v2.core.event"
    sent["created"] = write_time(sent["created"])
    return Delivery(event["context"], json.dumps(sent).encode(), is_thin=True)


def write_time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Deliverer:
    """Sender of the events in the world's outbox. `twice`, `late` and `never` are shares of these."""

    def __init__(
        self, world: World, *, seed: int = 0, twice: float = 0.0, late: float = 0.0, never: float = 0.0,
        shuffle: bool = False,
    ) -> None:  # fmt: skip
        self._world = world
        self._random = random.Random(seed)
        self._twice, self._late, self._never, self._shuffle = twice, late, never, shuffle
        self._held: list[Delivery] = []

    def take(self, *, last: bool = False) -> Iterator[Delivery]:
        """Deliveries due now. `last`: also those that were delayed."""
        ready, self._held = (self._held, []) if last or self._random.random() < 0.5 else ([], self._held)
        events, self._world.outbox[:] = list(self._world.outbox), []
        for event in events:
            found = delivery_of(event)
            if self._random.random() < self._never:
                continue
            held = not last and self._random.random() < self._late
            (self._held if held else ready).append(found)
            if self._random.random() < self._twice:
                ready.append(found)
        if self._shuffle:
            self._random.shuffle(ready)
        yield from ready
