"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (DeclaredTable(name="vat_check", fleet=True, row={"status": "valid"}),)
