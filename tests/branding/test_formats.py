import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branding import formats
from canonical.money import Money
from foundation.i18n.localizer import Localizer, localized

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(199900, "USD"), "$1,999.00"),
        (Money(199900, "CAD"), "CA$1,999.00"),
        (Money(1999, "JPY"), "¥1,999"),
        (Money(-5, "EUR"), "−€0.05"),
        (Money(1500, "KWD"), "KWD 1.500"),
    ],
)
def test_money_has_its_currencys_digits(money: Money, text: str) -> None:
    assert formats.format_money(money) == text.replace(" ", "\N{NO-BREAK SPACE}")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_money_loses_nothing(minor: int, currency: str) -> None:
    text = formats.format_money(Money(minor, currency))
    number = re.sub(r"[^\d.−]", "", text).replace("−", "-")
    assert Money.from_decimal(Decimal(number), currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"), (9, "just now"), (10, "10 sec ago"), (59, "59 sec ago"), (60, "1 min ago"),
        (3599, "59 min ago"), (3600, "1 hr ago"), (86400 * 3, "3 days ago"), (-90, "in 1 min"), (-9, "just now"),
    ],
)  # fmt: skip
def test_ago(seconds: int, text: str) -> None:
    written = formats.format_ago(NOW - timedelta(seconds=seconds), NOW)
    assert f">{text}<" in written.replace("\N{NO-BREAK SPACE}", " ")


@given(moments, moments)
def test_ago_always_carries_the_instant(value: datetime, now: datetime) -> None:
    written = formats.format_ago(value, now)
    assert f'<time datetime="{value.isoformat(timespec="seconds")}"' in written


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "gerade eben"), (60, "vor 1 Min."), (7200, "vor 2 Std."), (86400 * 3, "vor 3 Tagen"), (-90, "in 1 Min.")],
)
def test_ago_in_german(seconds: int, text: str) -> None:
    with localized(Localizer("de")):
        written = formats.format_ago(NOW - timedelta(seconds=seconds), NOW)
    assert f">{text}<" in written.replace("\N{NO-BREAK SPACE}", " ")


def test_everything_is_written_in_the_readers_language_and_zone() -> None:
    with localized(Localizer("de", ZoneInfo("Europe/Berlin"))):
        assert formats.format_money(Money(-199950, "USD")) == "−1.999,50\N{NO-BREAK SPACE}$"
        assert formats.format_percent(0.1234) == "12,3\N{NO-BREAK SPACE}%"
        assert formats.format_grouped(1284000) == "1.284.000"
        assert formats.format_duration(2.5) == "2,5\N{NO-BREAK SPACE}s"
        assert formats.write_datetime(NOW) == "22.11.2026, 10:00 MEZ"
        assert ">22.11.2026<" in formats.format_date(NOW)
    with localized(Localizer("en", ZoneInfo("America/New_York"))):
        assert formats.write_datetime(NOW) == "22 Nov 2026, 04:00 UTC−5"
    with localized(Localizer("de", ZoneInfo("Asia/Kolkata"))):
        assert formats.write_datetime(NOW) == "22.11.2026, 14:30 UTC+5:30"


def test_datetime_is_written_in_the_viewers_zone_and_marked_up_in_utc() -> None:
    written = formats.format_datetime(NOW, ZoneInfo("Europe/Berlin"))
    assert (
        written
        == '<time datetime="2026-11-22T09:00:00+00:00" title="2026-11-22 09:00:00 UTC">22 Nov 2026, 10:00 CET</time>'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.25, "250 ms"), (0, "0 s"), (2.5, "2.5 s"), (9.97, "10 s"), (-1.04, "−1 s"),
        (95.4, "1 min 35 s"), (60, "1 min"), (3600 + 59, "1 h"),
        (timedelta(days=2, hours=3, minutes=4), "2 d 3 h"), (-65, "−1 min 5 s"), (1, "1 s"),
    ],
)  # fmt: skip
def test_duration(value: float | timedelta, text: str) -> None:
    assert formats.format_duration(value).replace("\N{NO-BREAK SPACE}", " ") == text


def test_numbers() -> None:
    assert formats.format_percent(0.1234) == "12.3%"
    assert formats.format_percent(Decimal("-0.5"), 0) == "−50%"
    assert formats.format_grouped(1284000) == "1,284,000"


@pytest.mark.parametrize(
    ("name", "text"), [("Ada Kowalska", "AK"), ("ada", "A"), ("Ada de la Cruz", "AC"), ("", "?"), ("- !", "?")]
)
def test_initials(name: str, text: str) -> None:
    assert formats.format_initials(name) == text


@pytest.mark.parametrize(
    ("money", "shown"), [(Money(123456, "BGN"), "BGN 1,234.56"), (Money(-1500, "BYR"), "\N{MINUS SIGN}BYR 1,500")]
)
def test_a_dropped_currency_is_shown_in_its_own_digits(money: Money, shown: str) -> None:
    assert formats.format_money(money) == shown.replace(" ", "\N{NO-BREAK SPACE}")
