"""Row structs of values and channels."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from canonical.keys import ElementKey, Keyed
from canonical.values import Value
from connectors.manifest import ANY, WriteRule
from policy.conditions import Fact

EVERYTHING: Final = (WriteRule(ANY, dimensions=(ANY,)),)


class Channel(msgspec.Struct, frozen=True):
    """A channel: a connection that shows values to buyers. `writes` are the rules of its connector.

    `jurisdiction` is the country or region whose law applies to it, such as DE or US-CA; empty if not known.
    `other_environment`: connections of the other environment, whose values it never gets.
    """

    connection_id: UUID
    partner_id: UUID | None
    name: str
    writes: tuple[WriteRule, ...] = EVERYTHING
    kind: str = ""
    jurisdiction: str = ""
    other_environment: frozenset[UUID] = frozenset()

    def accepts(self, key: ElementKey) -> bool:
        return any(rule.accepts(key) for rule in self.writes)

    @property
    def facts(self) -> dict[str, Fact]:
        """Facts for policy. Unknown ones are omitted."""
        facts: dict[str, Fact] = {"channel": self.name, "channel_kind": self.kind}
        if self.jurisdiction:
            facts["jurisdiction"] = self.jurisdiction
        if self.partner_id is not None:
            facts["partner"] = str(self.partner_id)
        return facts


CHANNEL_FACTS: Final = frozenset({"channel", "channel_kind", "jurisdiction", "partner"})
"""Names of the facts that differ from channel to channel."""


class ValueRow(Keyed, gc=False):
    """A `record_value`; mutated in memory during planning. `value` is the approved one. `first_value`, which is only
    written: the first one approved, of a row that had none.
    """

    source_value: Value
    source_version: int
    source_event_id: UUID | None
    value: Value | None = None
    version: int = 0
    change_id: UUID | None = None
    source_connection_id: UUID | None = None
    source_committed_at: datetime | None = None
    first_value: Value | None = None

    def approve(self, value: Value) -> None:
        if self.value is None and self.first_value is None:
            self.first_value = value
        self.value = value
