"""Which of this room's tables grow, and how long their rows are kept."""

from typing import Final

from foundation.retention import DataClass, RetainedTable

RETAINED: Final = (
    DataClass(
        "source_events", "Source messages", "What other systems sent, byte for byte.",
        (RetainedTable("source_event", "id", partitioned=True),), default_days=400, least_days=30,
    ),
    DataClass(
        "delivery_keys", "Delivery identities", "By these a message that is sent again is recognised as a duplicate.",
        (RetainedTable("source_event_key", "event_id"),), default_days=1096, least_days=90,
    ),
)  # fmt: skip
