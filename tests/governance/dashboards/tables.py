"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (DeclaredTable(name="dashboard_layout", update="changed_at changed_by tiles", delete=True),)
