"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="webhook_attempt", purge=True),
    DeclaredTable(
        name="webhook_delivery",
        update="attempts finished_at next_at state",
        purge=True,
        parameter="delivery_id",
        watched=True,
    ),
    DeclaredTable(
        name="webhook_endpoint",
        update=(
            "deleted_at description event_types failing_since last_failure_at last_success_at paused_at "
            "paused_by paused_for revision state url"
        ),
        fleet=True,
        parameter="endpoint_id",
        watched=True,
        row={"state": "active"},
    ),
    DeclaredTable(name="webhook_secret", update="ciphertext expires_at", delete=True),
)
