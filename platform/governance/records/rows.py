"""Row structs of values, channels and source events."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from canonical.keys import ElementKey, Keyed
from canonical.values import Value
from connectors.manifest import ANY, WriteRule

EVERYTHING: Final = (WriteRule(ANY, dimensions=(ANY,)),)


class Channel(msgspec.Struct, frozen=True):
    """A channel: a connection that shows values to buyers. `writes` are the rules of its connector."""

    connection_id: UUID
    partner_id: UUID | None
    name: str
    writes: tuple[WriteRule, ...] = EVERYTHING

    def accepts(self, key: ElementKey) -> bool:
        return any(rule.accepts(key) for rule in self.writes)


class ValueRow(Keyed, gc=False):
    """A `record_value`; mutated in memory during planning. `value` is the approved one."""

    source_value: Value
    source_version: int
    source_event_id: UUID | None
    value: Value | None = None
    version: int = 0
    change_id: UUID | None = None
    source_connection_id: UUID | None = None
    source_committed_at: datetime | None = None


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """A source event with its connection's connector kind."""

    id: UUID
    connection_id: UUID
    kind: str
    body: bytes
    correlation: str
    received_at: datetime
    via: str
