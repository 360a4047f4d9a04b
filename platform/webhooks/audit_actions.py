"""Audited actions of this room."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class WebhookAction(AuditAction, kind=AuditKind.SETTINGS):
    ENDPOINT_CREATED = "webhook_endpoint.created", N_("Webhook added")
    ENDPOINT_CHANGED = "webhook_endpoint.changed", N_("Webhook changed")
    ENDPOINT_DELETED = "webhook_endpoint.deleted", N_("Webhook deleted")
    ENDPOINT_PAUSED = "webhook_endpoint.paused", N_("Webhook paused")
    ENDPOINT_RESUMED = "webhook_endpoint.resumed", N_("Webhook resumed")
    ENDPOINT_SECRET_ROTATED = "webhook_endpoint.secret_rotated", N_("Signing secret of a webhook rotated")
    ENDPOINT_TESTED = "webhook_endpoint.tested", N_("Test event sent to a webhook")
    ENDPOINT_REPLAYED = "webhook_endpoint.replayed", N_("Events sent to a webhook again")
    DELIVERY_SKIPPED = "webhook_delivery.skipped", N_("Event for a webhook skipped")
