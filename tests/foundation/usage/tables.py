"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="usage_event", fleet=True),
    DeclaredTable(name="usage_rollup", fleet=True, purge=True),
)
