"""Kinds of notifications of this slice."""

from typing import Final

from foundation.marks import N_
from governance.control_reviews.permissions import ReviewPermission
from tenants.notifications.kinds import NoticeSeverity, NotificationKind

REVIEW_OPENED: Final = NotificationKind(
    code="control_review.opened",
    label=N_("A control review is to be signed"),
    text=N_("The control review is to be signed by {day}"),
    many=N_("{number} control reviews are to be signed"),
    severity=NoticeSeverity.INFO,
    permission=ReviewPermission.SIGN_REVIEWS,
    path="/control-reviews",
)
REVIEW_OVERDUE: Final = NotificationKind(
    code="control_review.overdue",
    label=N_("A control review is overdue"),
    text=N_("The control review that was due on {day} is not signed"),
    many=N_("{number} control reviews became overdue"),
    severity=NoticeSeverity.WARNING,
    permission=ReviewPermission.SIGN_REVIEWS,
    path="/control-reviews",
)
