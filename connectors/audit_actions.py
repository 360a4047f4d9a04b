"""Audited actions of this room."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class ConnectionAction(AuditAction, kind=AuditKind.CONNECTIONS):
    CONNECTION_CREATED = "connection.created", N_("Connection created")
    CONNECTION_CHANGED = "connection.changed", N_("Connection changed")
    CONNECTION_DELETED = "connection.deleted", N_("Connection deleted")
    CONNECTION_WEBHOOK_SECRET_ROTATED = "connection.webhook_secret_rotated", N_("Webhook secret rotated")
    CONNECTION_ACTIVE = "connection.active", N_("Connection resumed")
    CONNECTION_POLL_REQUESTED = "connection.poll_requested", N_("Reading at once requested")
    RECONNECT_LINK_CREATED = "reconnect_link.created", N_("Reconnect link created")
    RECONNECT_LINK_REVOKED = "reconnect_link.revoked", N_("Reconnect link withdrawn")
    RECONNECT_LINK_USED = "reconnect_link.used", N_("Credentials renewed by a reconnect link")
    CONNECTION_PAUSED = "connection.paused", N_("Connection paused")
    MESSAGES_REPLAYED = "message.replayed", N_("Unclaimed messages replayed")
    MESSAGES_DISCARDED = "message.discarded", N_("Unclaimed messages discarded")
