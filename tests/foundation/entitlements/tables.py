"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (DeclaredTable(name="entitlement", update="changed_at hard_limit is_on noticed_at soft_limit", delete=True),)
