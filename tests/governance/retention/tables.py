"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="legal_hold", update="release_reason released_at released_by", parameter="hold_id"),
    DeclaredTable(name="retention_default", delete=True),
    DeclaredTable(name="retention_policy", update="changed_at changed_by keep_days", delete=True),
    DeclaredTable(name="retention_purge"),
)
