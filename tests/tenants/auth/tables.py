"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="api_key",
        update="current_hash expires_at last_used_at previous_hash previous_until revoked_at",
        parameter="key_id",
        watched=True,
    ),
)
