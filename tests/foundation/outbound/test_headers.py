"""Values of response headers, valid and absurd, and one parser per form."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.http.errors import retry_after
from foundation.outbound.headers import (
    LONGEST_WAIT_SECONDS,
    parse_http_date,
    parse_number,
    parse_retry_after,
    parse_whole_number,
)
from foundation.outbound.limits import requested_pause

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DATE = "Sun, 22 Nov 2026 12:00:00 GMT"
ABSENT = [
    "Mon, 01 Jan 2024 00:00:00 +9999999999999",
    "Mon, 01 Jan 2024 00:00:00 -9999",
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Mon, 99 Jan 2024 99:99:99 GMT",
    "1e9", "+5", "-5", "0x10", "1_000", "nan", "inf", "Infinity", "", " ", ",", "5;q=1", "٣٠", "５", "²", "\x00",
    "9" * 5000, "9" * 21, "a" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", ABSENT)
def test_malformed_and_absurd_values_count_as_absent(text: str) -> None:
    headers = {"retry-after": text, "date": DATE}
    assert parse_retry_after(headers, NOW) is None
    assert retry_after(headers) is None
    assert requested_pause(429, headers, NOW) == 1.0
    assert requested_pause(503, headers, NOW) == 0.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("7", 7), (" 7 ", 7), ("1.5", 1.5), ("007", 7), ("3600", 3600), ("3601", 3600), ("9" * 20, 3600),
        ("5, 5", 5), ("5,30", 30),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30), ("Sunday, 22-Nov-26 12:00:30 GMT", 30), ("Sun Nov 22 12:00:30 2026", 30),
        ("Sun, 22 Nov 2026 13:00:30 +0100", 30), ("Sun, 22 Nov 2026 11:59:59 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600), ("Mon, 01 Jan 0001 00:00:00 GMT", 0),
    ],
)  # fmt: skip
def test_a_wait_is_read_in_either_form_and_capped(text: str, seconds: float) -> None:
    assert parse_retry_after({"retry-after": text, "date": DATE}) == seconds
    assert requested_pause(429, {"retry-after": text, "date": DATE}, NOW) == seconds


def test_an_absurd_date_header_leaves_our_own_clock() -> None:
    headers = {"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT", "date": ABSENT[0]}
    assert parse_retry_after(headers, NOW) == 30
    assert parse_retry_after(headers) is None
    assert requested_pause(429, {"x-ratelimit-reset": str(int(NOW.timestamp()) + 40), "date": ABSENT[0]}, NOW) == 40


@pytest.mark.parametrize("reset", ["٤٠", "9" * 400, "-1", "1e3", "40 s"])
def test_a_reset_that_is_no_number_counts_as_absent(reset: str) -> None:
    assert requested_pause(429, {"x-ratelimit-reset": reset}, NOW) == 1.0


@given(st.text(), st.text())
def test_no_header_raises_and_no_wait_is_longer_than_the_cap(wait: str, date: str) -> None:
    seconds = parse_retry_after({"retry-after": wait, "date": date}, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_WAIT_SECONDS
    parsed = parse_http_date(date)
    assert parsed is None or parsed.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "whole", "number"),
    [("12", 12, 12.0), ("١٢", None, None), ("²", None, None), ("9" * 5000, None, None), ("1.5", None, 1.5)],
)
def test_numbers_are_ascii_digits_and_few(text: str, whole: int | None, number: float | None) -> None:
    assert parse_whole_number(text) == whole
    assert parse_number(text) == number
