"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="credit_note", fleet=True, row={"gross_minor": 2}),
    DeclaredTable(
        name="invoice",
        update="content_hash credited_minor dunning_level paid_minor state total_minor updated_at",
        fleet=True,
        parameter="invoice_id",
        watched=True,
    ),
    DeclaredTable(
        name="invoice_line",
        update="amount_minor events first_at included last_at quantity",
        delete=True,
        fleet=True,
        row={"kind": "subscription"},
    ),
    DeclaredTable(name="invoice_payment", fleet=True, row={"kind": "payment"}),
    DeclaredTable(name="invoice_step", fleet=True),
    DeclaredTable(name="issued_invoice", fleet=True, row={"gross_minor": 2}),
)
