"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="plan", update="retired_at retired_by", fleet=True, parameter="plan_id"),
    DeclaredTable(name="plan_version", fleet=True),
)
