"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="list_view",
        update="columns filters is_shared name saved_at saved_by sort",
        delete=True,
        parameter="view_id",
    ),
    DeclaredTable(name="list_view_default", update="view_id", delete=True),
)
