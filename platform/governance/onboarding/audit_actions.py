"""Audited actions of this slice."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class OnboardingAction(AuditAction, kind=AuditKind.SETTINGS):
    IMPORT_STARTED = "client_import.started", N_("Import of clients started")
    ONBOARDING_CHECKED = "onboarding.checked", N_("Go-live checks run")
    ONBOARDING_WAIVED = "onboarding.check_waived", N_("Go-live check waived")
    ONBOARDING_WAIVER_WITHDRAWN = "onboarding.waiver_withdrawn", N_("Waiver of a go-live check withdrawn")
    ONBOARDING_LIVE = "onboarding.went_live", N_("Client went live")
    TEMPLATE_SAVED = "client_template.saved", N_("Client template saved")
    TEMPLATE_APPLIED = "client_template.applied", N_("Client template applied")
    TEMPLATE_ITEM_KEPT = "client_template.item_kept", N_("Item of a client template kept as the client has it")
    TEMPLATE_ITEM_FOLLOWED = "client_template.item_followed", N_("Item of a client template followed again")
