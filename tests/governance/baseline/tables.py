"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="baseline",
        update=(
            "accepted after automatic awaiting decided_at decided_by decided_by_id finished_at overtaken "
            "proven read_at refused state"
        ),
        fleet=True,
        parameter="baseline_id",
    ),
    DeclaredTable(
        name="baseline_item",
        update="connection_id source_event_id source_version unreadable value",
        delete=True,
        purge=True,
    ),
    DeclaredTable(
        name="baseline_part",
        update=(
            "auto below_cost channel_only cursor differs equal error listed progress refuse review "
            "source_only state unkeyed"
        ),
    ),
    DeclaredTable(name="baseline_reading", update="change_id", delete=True, purge=True),
)
