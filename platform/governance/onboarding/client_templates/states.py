"""States of a template's items in a client."""

from foundation.codes import LabelledCode
from foundation.marks import N_


class ItemKind(LabelledCode):
    CONNECTION = "connection", N_("Connection")
    CONTRACT = "contract", N_("Contract")
    RULE = "rule", N_("Policy rule")
    CHECK = "check", N_("Go-live check")
    PLAN = "plan", N_("Plan")
    PRICE = "price", N_("Price")
    LADDER = "ladder", N_("Escalation ladder")
    BRAND = "brand", N_("Brand")
    NOTIFICATIONS = "notifications", N_("Default notifications")


class ItemState(LabelledCode):
    SAME = "same", N_("As in the template")
    DIFFERS = "differs", N_("Differs")
    MISSING = "missing", N_("Missing")
    WAITING = "waiting", N_("Waits for its connection")
    APPLYING = "applying", N_("Being applied")
    FAILED = "failed", N_("Could not be applied")
    LATER = "later", N_("Begins when the client goes live")
    LOCKED = "locked", N_("Set by the service provider for all clients")
    KEPT = "kept", N_("Kept as the client has it")


DRIFTING = frozenset({ItemState.DIFFERS, ItemState.MISSING})
"""States of items that applying the template would change."""
BILLING = frozenset({ItemKind.PLAN, ItemKind.PRICE})
"""Items that a job sets, because prices are rows of the MSP's account."""
