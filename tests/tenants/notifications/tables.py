"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="notification", update="counts_from happened_at href number params read_at", parameter="notification_id"
    ),
    DeclaredTable(name="notification_delivery", update="done_at", delete=True),
    DeclaredTable(
        name="notification_setting", update="delivery least_severity muted", row={"least_severity": "info"}, delete=True
    ),
    DeclaredTable(
        name="notification_default",
        update="delivery least_severity muted",
        row={"least_severity": "info"},
        delete=True,
        fleet=True,
    ),
)
