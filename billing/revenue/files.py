"""Revenue as a file: the months, one row for each currency."""

from billing.revenue.schemas import MonthRevenue, RevenueReport
from foundation.web.csv_export import write_lines


def write_file(report: RevenueReport) -> bytes:
    """CSV (RFC 4180, UTF-8) with a header line."""
    names = MonthRevenue.__struct_fields__
    return write_lines([names, *([getattr(one, name) for name in names] for one in report.months)])
