"""Audited actions, each declared once by the room or slice that performs it."""

from typing import Any, ClassVar

from foundation.codes import LabelledCode
from foundation.marks import N_


class AuditKind(LabelledCode):
    """A kind of audited actions, by which people filter the trail."""

    DECISIONS = "decisions", N_("Decisions")
    DELIVERY = "delivery", N_("Delivery")
    EXCEPTIONS = "exceptions", N_("Exceptions")
    ACCESS = "access", N_("Access")
    CONNECTIONS = "connections", N_("Connections")
    BILLING = "billing", N_("Billing")
    SETTINGS = "settings", N_("Settings")


class AuditAction(LabelledCode):
    """Base of audited actions of one kind: `class ThingAction(AuditAction, kind=AuditKind.DELIVERY)`. A code is
    `noun.past participle`, and all actions of a noun are of one kind.
    """

    kind: ClassVar[AuditKind]

    def __init_subclass__(cls, *, kind: AuditKind, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls.kind = kind
