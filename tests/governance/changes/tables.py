"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="change",
        update=(
            "approval_id cost_value decided_at decision_excluded old_value outcome policy_version reason "
            "rule_id state version"
        ),
        fleet=True,
        parameter="change_id",
        watched=True,
    ),
)
