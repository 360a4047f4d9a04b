"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="escalation", purge=True, fleet=True),
    DeclaredTable(name="escalation_ladder", update="changed_at changed_by steps", delete=True, fleet=True),
    DeclaredTable(name="escalation_pause", fleet=True),
)
