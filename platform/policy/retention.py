"""Retention of decided approvals."""

from typing import Final

from foundation.retention import DataClass, RetainedTable

RETAINED: Final = (
    DataClass(
        "approvals", "Answered approvals", "Who answered each request, when and why.",
        (RetainedTable("approval", "id", closed="state NOT IN ('pending', 'granted')"),),
        default_days=731, least_days=90,
    ),
)  # fmt: skip
