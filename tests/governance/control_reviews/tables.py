"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="control_review",
        update="collected_at findings note overdue_at signed_at signed_by signed_by_id state",
        fleet=True,
        parameter="review_id",
        row={"state": "open"},
    ),
    DeclaredTable(name="control_review_schedule", update="cadence changed_at changed_by days next_on starts_on"),
)
