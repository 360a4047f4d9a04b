"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="dead_letter",
        update="closed_at closed_by noticed_at state",
        purge=True,
        fleet=True,
        parameter="letter_id",
        watched=True,
    ),
    DeclaredTable(name="job", update="attempts delayed error is_retry ready_at", delete=True, watched=True),
    DeclaredTable(name="lane", update="crash_count failure_count fence holder lease_until paused_until"),
    DeclaredTable(name="lane_share", update="cap pool resting weight"),
    DeclaredTable(name="timer", update="due_at kind lane", watched=True),
)
