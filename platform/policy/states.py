"""States of approvals."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine, in_sql


class ApprovalState(StrEnum):
    PENDING = "pending"
    GRANTED = "granted"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    USED = "used"


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
