"""States of control reviews, their recurrence, and their controls."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class ReviewState(LabelledCode):
    OPEN = "open", N_("To be signed")
    SIGNED = "signed", N_("Signed")


REVIEWS: Final = StateMachine(
    ReviewState, starts=[ReviewState.OPEN], transitions={ReviewState.OPEN: [ReviewState.SIGNED]}
)
IS_UNSIGNED: Final = f"state = '{ReviewState.OPEN}'"
"""As SQL, the text of the partial index."""


class ReviewCadence(LabelledCode):
    MONTHLY = "monthly", N_("Every month")
    QUARTERLY = "quarterly", N_("Every quarter")

    @property
    def months(self) -> int:
        return {ReviewCadence.MONTHLY: 1, ReviewCadence.QUARTERLY: 3}[self]


class ReviewControl(LabelledCode):
    CONTRACTS = "contracts", N_("Contracts are complete")
    POLICY = "policy", N_("The policy is current")
    ACCESS = "access", N_("Access is still needed")
    BACKUP = "backup", N_("A recent backup exists")
    EXCEPTIONS = "exceptions", N_("Exceptions are corrected in time")
    AUDIT = "audit", N_("The audit trail is unchanged")
