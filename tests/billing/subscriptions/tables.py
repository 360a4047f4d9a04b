"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="subscription", fleet=True, parameter="subscription_id"),
    DeclaredTable(
        name="subscription_step",
        update="undone_at undone_by undone_for",
        fleet=True,
        parameter="step_id",
        row={"kind": "pause"},
    ),
)
