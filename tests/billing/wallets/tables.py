"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="credit_grant", update="left_minor noticed_at", parameter="credit_id", row={"kind": "prepaid"}),
    DeclaredTable(name="credit_rule", update="low_minor noticed_at set_at set_by top_up_minor", delete=True),
    DeclaredTable(name="credit_transaction", row={"kind": "granted"}),
)
