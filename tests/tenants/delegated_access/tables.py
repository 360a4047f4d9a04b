"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="access_grant",
        update="decided_at decided_by_name ended_at ended_by_name ends_at state used_at",
        parameter="grant_id",
        watched=True,
        row={"state": "requested"},
    ),
)
