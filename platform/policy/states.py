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
"""States of open approvals, of which a subject has at most one."""
IS_OPEN: Final = f"state IN ({in_sql(OPEN_APPROVALS)})"
"""SQL. The indexes are declared with exactly this text, so queries must use the constant."""
