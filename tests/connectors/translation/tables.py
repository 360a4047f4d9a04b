"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (DeclaredTable(name="unclaimed_message", update="message_count reference", delete=True),)
