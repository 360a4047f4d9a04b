"""Files of the export as independent readers see them."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def read_workbook(content: bytes) -> list[list[Any]]:
    """Values of the only sheet; a formula fails."""
    [sheet] = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    assert all(cell.data_type != "f" and cell.hyperlink is None for row in sheet.iter_rows() for cell in row)
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def assert_same(found: Sequence[Sequence[Any]], expected: Sequence[Sequence[str]]) -> None:
    """Compare a spreadsheet with the CSV of the same rows, cell by cell: numbers by value, and texts without the
    apostrophe that only CSV needs.
    """
    assert len(found) == len(expected)
    for cells, texts in zip(found, expected, strict=True):
        for cell, written in zip(cells, texts, strict=True):
            match cell:
                case None:
                    assert written == ""
                case int() | float():
                    assert Decimal(repr(cell)) == Decimal(written)
                case datetime() | date():
                    assert f"{cell:%Y-%m-%d}" == written
                case _:
                    assert cell == written.removeprefix("'")
