"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="client_template", update="changed_at name version", fleet=True, parameter="template_id"),
    DeclaredTable(
        name="client_template_use",
        update="applied_at applied_by billing_due_at billing_problem items own_items template_id template_name version",
        fleet=True,
    ),
    DeclaredTable(name="client_template_version", fleet=True),
)
