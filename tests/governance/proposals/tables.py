"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="scheduled_proposal",
        update="change_id ended_at ended_by failure state",
        purge=True,
        fleet=True,
        parameter="proposal_id",
        watched=True,
    ),
)
