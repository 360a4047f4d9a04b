"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="vendor_bill",
        update="withdrawn_at withdrawn_by",
        fleet=True,
        parameter="bill_id",
        row={"month": "2026-01"},
    ),
    DeclaredTable(name="vendor_bill_line", fleet=True),
    DeclaredTable(
        name="vendor_mapping",
        update="client_id factor is_ignored meter set_at set_by",
        delete=True,
        fleet=True,
        row={"kind": "client", "is_ignored": True},
    ),
    DeclaredTable(
        name="vendor_upload",
        update="stored_at stored_by wrong",
        fleet=True,
        parameter="upload_id",
        row={"month": "2026-01"},
    ),
)
