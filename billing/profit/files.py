"""Profit as a file."""

from collections.abc import Mapping
from typing import Final

from billing.profit.schemas import ProfitReport
from foundation.web.csv_export import write_lines

COLUMNS: Final = (
    "month", "by", "key", "label", "currency", "revenue", "cost", "margin", "share", "uncosted", "at_wholesale",
    "at_unit_cost",
)  # fmt: skip


def write_file(report: ProfitReport, labels: Mapping[str, str]) -> bytes:
    """CSV (RFC 4180, UTF-8) with a header line."""
    rows = [
        (
            report.month, report.by.value, row.key, labels.get(row.key, row.key), row.currency, row.revenue, row.cost,
            row.margin, row.share, row.uncosted, row.at_wholesale, row.at_unit_cost,
        )
        for row in report.rows
    ]  # fmt: skip
    return write_lines([COLUMNS, *rows])
