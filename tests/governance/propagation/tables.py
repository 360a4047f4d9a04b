"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="channel_value", update="change_id partner_id seen_at value version"),
    DeclaredTable(
        name="propagation",
        update=(
            "accepted_at attempts breached error excluded excluded_until partner_id previous_value read_value sent_at "
            "slo_due_at state verified_at"
        ),
        fleet=True,
        watched=True,
    ),
    DeclaredTable(
        name="propagation_attempt",
        update="answered_at bytes detail duration_ms outcome read retry_after status_code",
        delete=True,
    ),
)
