"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class NotificationAction(AuditAction, kind=AuditKind.SETTINGS):
    SETTINGS_CHANGED = "notification.settings_changed", N_("Notification settings changed")
