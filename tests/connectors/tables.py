"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="connection",
        update=(
            "base_url credentials_expire_on deleted_at environment expiry_stage jurisdiction last_error "
            "last_failure_at last_message_at last_success_at missing_since name partner_id paused_at revision settings "
            "state"
        ),
        fleet=True,
        parameter="connection_id",
        watched=True,
    ),
    DeclaredTable(name="connection_secret", update="ciphertext set_at set_by", delete=True),
    DeclaredTable(name="poll_cursor", update="cursor polled_at progress"),
    DeclaredTable(name="reconnect_link", update="created_at created_by expires_at token_hash", delete=True),
    DeclaredTable(name="source_event", parameter="event_id"),
    DeclaredTable(name="source_event_key", purge=True),
)
