"""Reading of vendor files: exact numbers, columns by their usual names, and each wrong row with its bytes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.vendor_bills.parse import parse_bills
from foundation.errors import InvalidInput

HEAD = b"invoice number,line,customer,sku,qty,unit price,total,currency,start_date,end_date\n"


def test_rows_are_read_by_the_names_that_distributors_use() -> None:
    file = b"\xef\xbb\xbf" + HEAD + b"B1,1,Birch GmbH,M365,3,10.005,,eur,2026-03-01,2026-03-31\n"
    [row] = parse_bills(file, "Cirrus")
    assert row.line is not None
    assert (row.line.vendor, row.line.client_key, row.line.currency) == ("Cirrus", "Birch GmbH", "EUR")
    assert (row.line.amount, str(row.line.service_to)) == (Decimal("30.015"), "2026-03-31")


def test_rows_of_a_bill_without_line_numbers_are_counted() -> None:
    file = b"vendor;bill;client_id;product;quantity;amount;currency\nV;B;c;p;1;12,50;EUR\nV;B;c;p;1;12,50;EUR\n"
    rows = [row.line for row in parse_bills(file)]
    assert [(row.line, row.amount, row.unit_cost) for row in rows if row] == [
        ("1", Decimal("12.50"), Decimal("12.5")), ("2", Decimal("12.50"), Decimal("12.5")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (b"B1,1,C,P,1,1,1,EUR,2026-03-01\n", "file"),
        (b"B1,1,C,P,1,000,1,1,EUR,,\n", "file"),
        (b'B1,1,"C,P,1,1,1,EUR,,\n', "file"),
        (b"B1,1,\xff\xfe,P,1,1,1,EUR,,\n", "file"),
        (b"B1,1,C,P,one,1,1,EUR,,\n", "quantity"),
        (b"B1,1,C,P,,1,1,EUR,,\n", "quantity"),
        (b'B1,1,C,P,1,1,"1,000",EUR,,\n', "amount"),
        (b"B1,1,C,P,1,,,EUR,,\n", "amount"),
        (b"B1,1,C,P,1,1,1e99,EUR,,\n", "amount"),
        (b"B1,1,C,P,1,1,0.0000000001,EUR,,\n", "amount"),
        (b"B1,1,C,P,1,1,1,EURO,,\n", "currency"),
        (b"B1,1,,P,1,1,1,EUR,,\n", "client_name"),
        (b",1,C,P,1,1,1,EUR,,\n", "bill_number"),
        (b"B1,1,C,P,1,1,1,EUR,31.03.2026,\n", "service_from"),
        (b"B1,1,C,P,1,1,1,EUR,2026-03-31,2026-03-01\n", "service_to"),
    ],
)
def test_a_wrong_row_names_its_field_and_keeps_its_bytes(row: bytes, field: str) -> None:
    good = b"B9,1,C,P,1,1,1,EUR,,\n"
    found = parse_bills(HEAD + good + row, "V")
    assert (found[0].error, found[1].raw, found[1].place) == (None, row, 3)
    assert found[1].error is not None
    assert found[1].error.extra["field"] == field


@pytest.mark.parametrize("file", [b"", b"\n", b"sku,qty\nP,1\n", HEAD.replace(b"total", b"qty") + b"\n", b"\xff\xfe"])
def test_a_file_without_its_columns_is_refused(file: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_bills(file, "V")


@given(st.binary(max_size=300))
def test_no_byte_is_lost(body: bytes) -> None:
    """For any content after the header, each row is stored, blank, or kept byte by byte."""
    found = parse_bills(HEAD + body, "V")
    wrong = b"".join(row.raw for row in found)
    assert len(wrong) <= len(body)
    if found and all(row.line is None for row in found):
        blank = bytes(sign for sign in body if sign not in wrong)
        assert all(sign in b' ,\t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0"' for sign in blank)
