"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="item_assignment", update="assigned_at assigned_by member_id name", delete=True, purge=True, fleet=True
    ),
    DeclaredTable(name="item_comment", purge=True),
)
