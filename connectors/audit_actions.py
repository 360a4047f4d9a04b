"""Audited actions of this room."""

from foundation.audit.actions import AuditAction


class ConnectionAction(AuditAction):
    CONNECTION_CREATED = "connection.created", "Connection created"
    CONNECTION_WEBHOOK_SECRET_ROTATED = "connection.webhook_secret_rotated", "Webhook secret rotated"
    CONNECTION_ACTIVE = "connection.active", "Connection resumed"
    CONNECTION_PAUSED = "connection.paused", "Connection paused"
    MESSAGES_REPLAYED = "message.replayed", "Kept messages replayed"
    MESSAGES_DISCARDED = "message.discarded", "Kept messages discarded"
