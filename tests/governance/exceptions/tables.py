"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="governance_exception",
        update=(
            "change_id closed_at closed_by correction_due_at escalated_at impact_amount impact_currency message "
            "occurrences params seen_at severity severity_factors source_event_id state"
        ),
        purge=True,
        fleet=True,
        parameter="exception_id",
        watched=True,
    ),
)
