"""Retention of decided approvals."""

from typing import Final

from foundation.marks import N_
from foundation.retention import DataClass, RetainedTable
from policy.states import IS_OPEN

RETAINED: Final = (
    DataClass(
        "approvals", N_("Answered approvals"), N_("Who answered each request, when and why."),
        (RetainedTable("approval", "id", closed=f"NOT ({IS_OPEN})"),),
        default_days=731, least_days=90,
    ),
)  # fmt: skip
