"""Permissions of this slice."""

from foundation.marks import N_
from foundation.permissions import Permission


class OnboardingPermission(Permission, heading=N_("Onboarding")):
    READ_ONBOARDING = "onboarding:read", N_("Read onboardings")
    RUN_CHECKS = "onboarding:check", N_("Run the go-live checks")
    GO_LIVE = "onboarding:go_live", N_("Let clients go live and waive checks")
