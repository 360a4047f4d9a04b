"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="policy_draft",
        update=(
            "changed_at editor_names editors ended_at ended_by ended_by_name failure publish_at restores "
            "revision scheduled_by scheduled_by_name state version"
        ),
        row={"state": "open"},
    ),
    DeclaredTable(name="policy_draft_edit", update="rule", delete=True),
    DeclaredTable(
        name="policy_replay",
        update="after_id counts differing ended_at money replayed state",
        delete=True,
        parameter="replay_id",
        row={"state": "done"},
    ),
    DeclaredTable(name="policy_replay_difference", delete=True),
)
