"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class MailAction(AuditAction, kind=AuditKind.SETTINGS):
    SERVER_SET = "mail_server.set", N_("Mail server set")
    SERVER_REMOVED = "mail_server.removed", N_("Mail server removed")
    TEST_REQUESTED = "mail.test_requested", N_("Test mail requested")
    SENT_AGAIN = "mail.sent_again", N_("Mail sent again")
