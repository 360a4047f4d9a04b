"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="unit_draw", delete=True),
    DeclaredTable(
        name="unit_pack",
        update="end_reason ended_as ended_at ended_by lost_units noticed_at rolled_units",
        parameter="pack_id",
        watched=True,
        row={"ended_as": None, "ended_at": None, "units": 5, "rollover_units": 0},
    ),
)
