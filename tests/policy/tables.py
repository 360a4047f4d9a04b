"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="approval",
        update="cause decided_at decided_by due_at expires_at overdue reason state subject_id used_at votes",
        purge=True,
        fleet=True,
        watched=True,
    ),
    DeclaredTable(name="policy_role", update="about changed_at changed_by_name name permissions", delete=True),
    DeclaredTable(name="policy_rule", delete=True, fleet=True, watched=True),
    DeclaredTable(name="policy_version", fleet=True),
)
