"""The export as a file."""

from billing.exports.schemas import Export
from foundation.web.csv_export import write_lines


def write_file(export: Export) -> bytes:
    """CSV (RFC 4180, UTF-8) with a header line. Texts that a spreadsheet would run are marked with an apostrophe."""
    return write_lines([export.columns, *(tuple(row.values()) for row in export.rows)])
