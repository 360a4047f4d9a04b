"""Permissions of this slice."""

from foundation.marks import N_
from foundation.permissions import Permission


class ReviewPermission(Permission, heading=N_("Control reviews")):
    READ_REVIEWS = "control_review:read", N_("Read control reviews")
    SCHEDULE_REVIEWS = "control_review:schedule", N_("Schedule control reviews and collect their evidence")
    SIGN_REVIEWS = "control_review:sign", N_("Sign control reviews")
