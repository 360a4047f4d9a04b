"""Log of a sandbox channel's requests and effects, so that tests can count effects remotely."""

from collections import Counter

import msgspec

from canonical.values import Value
from connectors.sandbox.http import Reply, Request, json_reply


class SandboxEffect(msgspec.Struct, frozen=True):
    """One value that became visible."""

    sku: str
    field: str
    amount: int
    version: int
    key: str
    value: Value | None = None
    """Value of a field that is no integer; `amount` is 0 then."""


class EffectLog:
    """`effects` are in order of occurrence; all other numbers count requests received."""

    def __init__(self) -> None:
        self.effects: list[SandboxEffect] = []
        self.by_key: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.discarded = 0
        self.requests = 0

    def record(self, effect: SandboxEffect) -> None:
        self.effects.append(effect)
        self.by_key[effect.key] += 1

    def reply(self, request: Request) -> Reply:
        """Totals; with `?detail=1` also every effect and the number of requests per key."""
        summary: dict[str, object] = {
            "effects": len(self.effects),
            "keys": len(self.by_key),
            "repeated": {key: count for key, count in self.by_key.items() if count > 1},
            "received": self.received.total(),
            "discarded": self.discarded,
            "requests": self.requests,
        }
        if "detail" in request.query:
            summary |= {"log": self.effects, "received_by_key": self.received}
        return json_reply(summary)
