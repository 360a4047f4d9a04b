"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (DeclaredTable(name="change_hours", update="counted_until counts", fleet=True),)
