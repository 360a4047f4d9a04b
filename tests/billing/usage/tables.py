"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="meter_definition", update="retired_at retired_by", fleet=True, row={"aggregation": "sum"}),
    DeclaredTable(name="reported_usage", purge=True, fleet=True),
)
