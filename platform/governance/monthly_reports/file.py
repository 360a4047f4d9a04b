"""Monthly report as CSV: one figure per line, for the month and the month before."""

from collections.abc import Iterator
from typing import Final

from foundation.web.csv_export import write_lines
from governance.monthly_reports.schemas import MonthFigures, MonthlyReport, TimeFigures

COLUMNS: Final = ("month", "section", "subject", "part", "figure", "value")
Line = tuple[object, ...]


def write_file(report: MonthlyReport) -> bytes:
    """CSV (RFC 4180, UTF-8) with a header line. Times are in seconds, shares in per cent."""
    return write_lines([COLUMNS, *_lines(report.figures), *_lines(report.before)])


def _lines(month: MonthFigures) -> Iterator[Line]:
    def line(section: str, subject: object, part: object, figure: str, value: object) -> Line:
        return month.month, section, subject, part, figure, value

    def times(section: str, subject: object, part: object, figures: TimeFigures) -> Iterator[Line]:
        for name in figures.__struct_fields__:
            yield line(section, subject, part, name, getattr(figures, name))

    for name in month.changes.__struct_fields__:
        yield line("changes", "", "", name, getattr(month.changes, name))
    yield from times("decisions", "", "", month.decisions)
    yield from times("deliveries", "", "", month.deliveries)
    for one in month.channels:
        yield from times("deliveries", one.channel or one.connection_id, one.element, one.deliveries)
    for found in month.exceptions:
        yield line("exceptions", found.code, "", "opened", found.opened)
        yield line("exceptions", found.code, "", "open", found.open)
        yield from times("exceptions", found.code, "closing", found.closing)
    for person in month.reviewers:
        for name in ("approved", "declined", "half_s"):
            yield line("reviewers", person.name, "", name, getattr(person, name))
    for used in month.usage:
        yield line("usage", used.meter, "", "quantity", used.quantity)
