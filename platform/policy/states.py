"""States of approvals."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine, in_sql


class ApprovalState(LabelledCode):
    PENDING = "pending", N_("pending")
    GRANTED = "granted", N_("granted")
    REFUSED = "refused", N_("refused")
    EXPIRED = "expired", N_("expired")
    WITHDRAWN = "withdrawn", N_("withdrawn")
    USED = "used", N_("used")


APPROVALS: Final = StateMachine(
    ApprovalState,
    starts=[ApprovalState.PENDING],
    transitions={
        ApprovalState.PENDING: [
            ApprovalState.GRANTED,
            ApprovalState.REFUSED,
            ApprovalState.EXPIRED,
            ApprovalState.WITHDRAWN,
        ],
        ApprovalState.GRANTED: [ApprovalState.USED, ApprovalState.EXPIRED, ApprovalState.WITHDRAWN],
    },
)
OPEN_APPROVALS: Final = (ApprovalState.PENDING, ApprovalState.GRANTED)
"""A subject has one of these at most."""
IS_OPEN: Final = f"state IN ({in_sql(OPEN_APPROVALS)})"
"""As SQL. The indexes are declared with exactly this text, so queries must use it."""
