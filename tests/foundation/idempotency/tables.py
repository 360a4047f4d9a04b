"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (DeclaredTable(name="idempotency_key", update="sealed_response", delete=True),)
