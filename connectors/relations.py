"""Relations that this room publishes: SQL that rooms above read instead of its tables, in the same plan."""

from typing import Final

CONNECTIONS: Final = """(SELECT tenant_id, msp_id, id, partner_id, kind, is_source, writes, takes_webhooks,
    jurisdiction, name, base_url, state, paused_at, missing_since, created_at, last_success_at, last_failure_at,
    last_error, environment, revision, last_message_at, credentials_expire_on, deleted_at FROM connection)"""
"""With deleted connections, because history refers to them."""
SOURCE_EVENTS: Final = """(SELECT tenant_id, msp_id, id, connection_id, body, content_type, via, received_at,
    correlation FROM source_event)"""
UNCLAIMED_MESSAGES: Final = """(SELECT tenant_id, msp_id, event_id, message_type, connection_id, reference,
    message_count, received_at FROM unclaimed_message)"""
