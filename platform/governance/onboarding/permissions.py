"""Permissions of this slice."""

from foundation.marks import N_
from foundation.permissions import Permission


class OnboardingPermission(Permission, heading=N_("Onboarding")):
    READ_ONBOARDING = "onboarding:read", N_("Read onboardings")
    RUN_CHECKS = "onboarding:check", N_("Run the go-live checks")
    GO_LIVE = "onboarding:go_live", N_("Let clients go live and waive checks")
    READ_TEMPLATES = "client_template:read", N_("Read client templates")
    WRITE_TEMPLATES = "client_template:write", N_("Save client templates")
    APPLY_TEMPLATE = "client_template:apply", N_("Apply templates to clients")
