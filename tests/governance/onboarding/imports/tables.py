"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="client_import", update="ended_at state", row={"state": "running"}),
    DeclaredTable(name="client_import_row", update="error state", row={"state": "waiting"}),
)
