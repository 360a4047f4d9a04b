"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="sla_credit",
        update="decided_at decided_by reason state",
        parameter="sla_credit_id",
        row={"state": "met"},
        watched=True,
    ),
    DeclaredTable(name="sla_terms", update="bands from_month most_pct set_at set_by"),
)
