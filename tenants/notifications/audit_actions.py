"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class NotificationAction(AuditAction, kind=AuditKind.SETTINGS):
    SETTINGS_CHANGED = "notification.settings_changed", N_("Notification settings changed")
    SETTINGS_REMOVED = "notification.settings_removed", N_("Own notification settings removed")
    DEFAULTS_CHANGED = "notification.defaults_changed", N_("Default notifications changed")
    DEFAULTS_REMOVED = "notification.defaults_removed", N_("Default notifications removed")
