"""Retained tables of this room and their retention periods."""

from typing import Final

from foundation.marks import N_
from foundation.retention import DataClass, RetainedTable

RETAINED: Final = (
    DataClass(
        "source_events", N_("Source messages"), N_("Messages from other systems, stored byte for byte."),
        (
            RetainedTable("unclaimed_message", "event_id", partitioned=True),
            RetainedTable("source_event", "id", partitioned=True),
        ),
        default_days=400, least_days=30,
    ),
    DataClass(
        "delivery_keys", N_("Message IDs"), N_("Used to detect a message that is sent again."),
        (RetainedTable("source_event_key", "event_id"),), default_days=1096, least_days=90,
    ),
)  # fmt: skip
