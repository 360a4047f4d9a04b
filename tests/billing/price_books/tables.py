"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="price", update="valid_to", fleet=True),
    DeclaredTable(name="price_book", update="name", fleet=True, parameter="book_id"),
    DeclaredTable(name="unit_cost", fleet=True, row={"month": "2026-01"}),
)
