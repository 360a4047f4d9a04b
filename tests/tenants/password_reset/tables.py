"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (DeclaredTable(name="password_reset", update="created_at expires_at token_hash", delete=True),)
