"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="record_title", update="search title", fleet=True),
    DeclaredTable(
        name="record_value",
        update=(
            "adopted_at change_id month_value source_committed_at source_connection_id source_event_id source_value "
            "source_version value version"
        ),
        watched=True,
    ),
    DeclaredTable(name="source_record", update="record_key source_event_id version", delete=True),
)
