"""Rows as a spreadsheet (XLSX, ECMA-376) with one sheet."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from xml.sax.saxutils import escape

from foundation.web.csv_export import is_like_formula

_DIGITS: Final = 15
"""Digits that a cell, an IEEE 754 double, represents without loss."""
_CREATED: Final = datetime(1980, 1, 1, tzinfo=UTC)
"""Fixed, like the times in the ZIP file, so that the same rows give the same bytes."""
_WIDTH: Final = 16


def write_workbook(rows: Iterable[Sequence[object]], *, sheet: str) -> bytes:
    """The file. The first row has the names of the columns. `sheet`: at most 31 characters. Rows are buffered on disk,
    so memory is bounded; 100,000 rows of 23 cells take ten seconds of computing time.

    A text is never a formula or a link, also if its cell is edited, and ends after 32,767 characters.
    """
    import xlsxwriter  # noqa: PLC0415 - few processes write spreadsheets

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"constant_memory": True}) as book:
        book.set_properties({"created": _CREATED})
        own = book.add_worksheet(sheet)
        own.freeze_panes(1, 0)
        styles = {
            "head": book.add_format({"bold": True}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
            "text": book.add_format({"quote_prefix": True}),
        }
        for number, row in enumerate(rows):
            if number == 0:
                own.set_column(0, len(row) - 1, _WIDTH)
            for column, value in enumerate(row):
                if number == 0:
                    own.write_string(number, column, str(value), styles["head"])
                else:
                    _write_cell(own, (number, column), value, styles)
    return buffer.getvalue()


def _write_cell(sheet: Any, at: tuple[int, int], value: object, styles: dict[str, Any]) -> None:
    match value:
        case None | "":
            return
        case int() | Decimal() if is_exact(value):
            sheet.write_number(*at, value)
        case date():
            sheet.write_datetime(*at, value, styles["day"])
        case _:
            text = f"{value:f}" if isinstance(value, Decimal) else str(value)
            sheet.write_string(*at, _marked(text), styles["text"] if is_like_formula(text) else None)


def is_exact(value: Decimal | int) -> bool:
    """Whether a cell holds the number without loss; a longer one is written as text."""
    return len(Decimal(value).normalize().as_tuple().digits) <= _DIGITS


def _marked(text: str) -> str:
    """The text, marked if it begins with `<r>`, which the library would write as XML without a check."""
    return f'<r><t xml:space="preserve">{escape(text)}</t></r>' if text.startswith("<r>") else text
