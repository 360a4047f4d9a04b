"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="rated_rollup", update="line_id", delete=True, fleet=True, purge=True),
    DeclaredTable(name="rated_usage", update="line_id", delete=True, fleet=True),
    DeclaredTable(name="voided_usage", fleet=True, purge=True),
    DeclaredTable(name="rating_run", update="next_at rated_at", fleet=True),
)
