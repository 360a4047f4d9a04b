"""The spreadsheet: the rows of the CSV, with numbers as numbers and texts as texts."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.exports.workbook import write_workbook
from foundation.ids import new_id
from foundation.web.csv_export import write_lines
from tests.billing.exports.reading import assert_same, read_csv, read_workbook

HEAD = ("name", "number", "day")
TEXTS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="'"), max_size=20)


@settings(max_examples=40)
@example([("<r><t>1</t></r>", Decimal("0.1"), date(2026, 3, 1)), ("<r>a & b", Decimal("-2.675"), date(2024, 2, 29))])
@example([("=1+1", Decimal("999999999999.995"), date(1900, 3, 1)), ("@SUM(A1)", Decimal("1E+3"), date(9999, 12, 31))])
@example([("-1", Decimal(0), date(2026, 3, 1)), ("007", Decimal("0.000001"), date(2026, 3, 1))])
@example([("https://a.example", Decimal(5), date(2026, 3, 1)), (" x ", Decimal("9.95"), date(2026, 3, 1))])
@given(
    st.lists(
        st.tuples(
            TEXTS,
            st.integers(-(10**15) + 1, 10**15 - 1).flatmap(
                lambda digits: st.integers(0, 9).map(lambda places: Decimal(digits).scaleb(-places))
            ),
            st.dates(date(1900, 3, 1)),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_spreadsheet_has_what_the_csv_has(rows: list[tuple[str, Decimal, date]]) -> None:
    found = read_workbook(write_workbook([HEAD, *rows], sheet="2026-03 flat"))
    assert_same(found, read_csv(write_lines([HEAD, *rows])))
    assert all(isinstance(number, int | float) for _, number, _ in found[1:])


@pytest.mark.parametrize("number", [Decimal("1234567890123456.7"), Decimal("0.3333333333333333333"), 10**16 + 1])
def test_a_number_with_more_digits_than_a_cell_holds_is_a_text(number: Decimal | int) -> None:
    assert read_workbook(write_workbook([["n"], [number]], sheet="s"))[1] == [str(number)]


def test_the_same_rows_give_the_same_bytes() -> None:
    rows: list[list[object]] = [["id", "text"], [new_id(), "a"], [new_id(), None]]
    assert write_workbook(rows, sheet="s") == write_workbook(rows, sheet="s")
