"""Amounts are exact or refused, with the number of digits that ISO 4217 defines for the currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from canonical.currencies import DIGITS, FORMER, WITHOUT_MINOR_UNIT
from canonical.money import (
    LARGEST,
    InexactAmount,
    Money,
    UnknownCurrency,
    minor_exponent,
    number_text,
    parse_decimal,
    stored_exponent,
)


def test_the_currency_table_matches_iso() -> None:
    """The failure lists each difference when the pinned package contains a newer edition."""
    official = {currency.code: currency.exponent for currency in Currency}
    kept = {**DIGITS, **dict.fromkeys(WITHOUT_MINOR_UNIT)}
    assert {code: digits for code, digits in official.items() if kept.get(code, "missing") != digits} == {}
    assert kept.keys() == official.keys()


@pytest.mark.parametrize(
    ("code", "digits"), [("CLF", 4), ("UYW", 4), ("JPY", 0), ("KWD", 3), ("MGA", 2), ("MRU", 2), ("EUR", 2)]
)
def test_digits(code: str, digits: int) -> None:
    assert minor_exponent(code) == digits


@pytest.mark.parametrize("code", ["XAU", "XXX", "XTS", "ZZZ", "usd", "US", "", "USD ", "\uff35SD", "BTC"])
def test_an_unknown_currency_has_no_digits(code: str) -> None:
    for convert in (lambda: minor_exponent(code), lambda: Money.from_text("1", code), lambda: str(Money(1, code))):
        with pytest.raises(UnknownCurrency):
            convert()


@pytest.mark.parametrize(
    "text",
    [
        "NaN", "sNaN", "Infinity", "-inf", "", " 1", "1 ", "1_000", "1,000", "1.000,5", "1\u202f000", "\uff11",
        "\u0661", "0x10", "1e", "--1", "+", ".", "1.", ".5", "1e1000", "10.9951", "1e-3", "1e17", "\u221212",
        "92233720368547758.08",
    ],
)  # fmt: skip
def test_inexact_amounts_are_refused(text: str) -> None:
    with pytest.raises(InexactAmount):
        Money.from_text(text, "USD")


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("-Infinity"), Decimal("1E+1000000"), Decimal("1E-1000000")])
def test_extreme_decimals_are_refused_at_once(number: Decimal) -> None:
    with pytest.raises(InexactAmount):
        Money.from_decimal(number, "USD")


def test_a_negative_zero_is_zero() -> None:
    assert Money.from_text("-0.00", "USD") == Money(0, "USD")
    assert Money.from_decimal(Decimal("-0E-30"), "JPY").minor == 0


@given(st.integers(-LARGEST, LARGEST), st.sampled_from(sorted(DIGITS)), st.integers(0, 12))
def test_every_amount_round_trips_in_every_format(minor: int, code: str, zeros: int) -> None:
    number = Money(minor, code).to_decimal()
    for text in (str(number), f"{number:f}", f"{number:e}", f"{number:.{minor_exponent(code) + zeros}f}"):
        assert Money.from_text(text, code) == Money(minor, code)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15), st.sampled_from("JKE")
)
def test_exactly_or_not_at_all(number: Decimal, which: str) -> None:
    code = {"J": "JPY", "K": "KWD", "E": "EUR"}[which]
    try:
        assert Money.from_decimal(number, code).to_decimal() == number
    except InexactAmount:
        assert number % Decimal(1).scaleb(-minor_exponent(code)) != 0


@pytest.mark.parametrize(
    ("raw", "text"), [(b"10.9951", "10.9951"), (b'"10.99"', "10.99"), (b"9007199254740993", "9007199254740993")]
)
def test_numbers_in_json_are_never_floats(raw: bytes, text: str) -> None:
    assert number_text(raw) == text
    assert parse_decimal(text) == Decimal(text)


OF_2026 = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
    CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD
    MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN
    PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD
    TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
"""Every currency in which a price book may have been opened since the first release. None may be removed."""


def test_stored_values_of_a_dropped_currency_remain_usable() -> None:
    for code in [*OF_2026.split(), *FORMER]:
        assert stored_exponent(code) in range(5), code
    assert not FORMER.keys() & DIGITS.keys()


@pytest.mark.parametrize(("code", "digits"), [("BGN", 2), ("BYR", 0), ("HRK", 2), ("EUR", 2), ("CLF", 4)])
def test_a_dropped_currency_keeps_its_digits_and_accepts_no_new_values(code: str, digits: int) -> None:
    assert stored_exponent(code) == digits
    if code in FORMER:
        with pytest.raises(UnknownCurrency):
            Money.from_text("1", code)


@pytest.mark.parametrize("code", ["XXX", "ZZZ", "", "bgn"])
def test_a_currency_that_never_existed_has_no_digits(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        stored_exponent(code)
