"""CSV: cells that no spreadsheet executes, RFC 4180, and pages read one after the other."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.web.csv_export import CsvColumn, as_column, stream_csv, wants_csv, write_cell, write_lines
from foundation.web.pagination import ResultPage

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class Colour(StrEnum):
    RED = "red"
    FORMULA = "=1+1"


@given(st.sampled_from(DANGEROUS), st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(first: str, rest: str) -> None:
    assert write_cell(first + rest) == f"'{first}{rest}"
    (row,) = csv.reader(io.StringIO(write_lines([[first + rest]]).decode(), newline=""))
    assert row == [f"'{first}{rest}"]


@given(st.lists(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=2, max_size=3)))
def test_every_text_round_trips(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(write_lines(rows).decode(), newline="")))
    assert read == [[write_cell(cell) for cell in row] for row in rows]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""), (True, "true"), (False, "false"), (-5, "-5"), (0, "0"), (1, "1"),
        (Decimal("-12.50"), "-12.50"), (Decimal("1E+3"), "1E+3"), (Decimal("0.00"), "0.00"),
        (datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T10:30:00Z"),
        (datetime(2026, 3, 1, 12, 30, 1, 250000, tzinfo=UTC), "2026-03-01T12:30:01.250000Z"),
        (timedelta(hours=1), "PT3600S"), (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"), (Colour.FORMULA, "'=1+1"), (["a", 1], '["a",1]'), ({"a": 1}, '{"a":1}'),
        ("Ümlaut", "Ümlaut"),
    ],
)  # fmt: skip
def test_values_are_written_as_in_the_api(value: object, cell: str) -> None:
    assert write_cell(value) == cell


def test_lines_end_with_crlf() -> None:
    assert write_lines([["a", 'say "b"'], ["c,d", "e\nf"]]) == b'a,"say ""b"""\r\n"c,d","e\nf"\r\n'


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/csv", True), ("text/csv, application/json;q=0.5", True), ("text/csv;q=0.4, application/json", False),
        ("*/*", False), ("", False), ("application/json", False), ("text/csv;q=0", False), ("TEXT/CSV", True),
        ("text/html, text/csv;q=0.9", False),
    ],
)  # fmt: skip
def test_csv_is_sent_only_when_requested(accept: str, wanted: bool) -> None:  # noqa: FBT001
    assert wants_csv(accept) is wanted


async def test_pages_are_read_when_the_one_before_is_sent() -> None:
    asked: list[str] = []

    async def more(cursor: str) -> ResultPage[Any]:
        asked.append(cursor)
        return ResultPage([int(cursor)], str(int(cursor) + 1) if cursor != "3" else None)

    answer = stream_csv(ResultPage([1], "2"), more, [CsvColumn("n", lambda n: n)], name="Müller “x” list.csv")
    parts = [(part, list(asked)) async for part in answer.iterator()]  # type: ignore[operator, union-attr]
    assert parts == [(b"n\r\n", []), (b"1\r\n", []), (b"2\r\n", ["2"]), (b"3\r\n", ["2", "3"])]
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"M_ller _x_ list.csv\"; filename*=UTF-8''M%C3%BCller%20%E2%80%9Cx%E2%80%9D%20list.csv"
    )


def test_a_path_is_a_column() -> None:
    column = as_column("real.imag")
    assert (column.name, column.read(3), column.read(None)) == ("real_imag", 0, None)
