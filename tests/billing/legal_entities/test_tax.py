"""The place-of-supply rule, tax per rate, number formats and VAT ids: functions without a database."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.legal_entities.numbers import check_format, series_of, write_number
from billing.legal_entities.parties import check_vat_id
from billing.legal_entities.tax import OwnRates, Place, TaxAmount, TaxCategory, TaxRule, credited_tax, tax_amounts
from foundation.errors import InvalidInput

STANDARD = TaxRule(TaxCategory.STANDARD, Decimal(19))
GERMAN, ZERO = Place("DE", "DE136695976"), Decimal(0)


@pytest.mark.parametrize(
    ("seller", "buyer", "wanted"),
    [
        (GERMAN, Place("DE"), STANDARD),
        (GERMAN, Place("DE", "DE136695976"), STANDARD),
        (GERMAN, Place("AT", "ATU13585627"), TaxRule(TaxCategory.REVERSE_CHARGE, ZERO, "VATEX-EU-AE")),
        (GERMAN, Place("AT"), STANDARD),
        (Place("DE"), Place("AT", "ATU13585627"), STANDARD),
        (GERMAN, Place("CH", "CHE123"), TaxRule(TaxCategory.EXPORT, ZERO, "VATEX-EU-G")),
        (GERMAN, Place("US"), TaxRule(TaxCategory.EXPORT, ZERO, "VATEX-EU-G")),
        (Place("US"), Place("DE", "DE136695976"), TaxRule(TaxCategory.ZERO, ZERO)),
        (Place("US"), Place("US"), STANDARD),
    ],
)
def test_tax_follows_from_the_places(seller: Place, buyer: Place, wanted: TaxRule) -> None:
    assert OwnRates(STANDARD).decide(seller, buyer) == wanted


def test_tax_is_rounded_once_per_rate() -> None:
    """Three lines whose separately rounded taxes have another sum (row 2 of the differences of billing systems)."""
    reduced = TaxRule(TaxCategory.STANDARD, Decimal(7))
    found = tax_amounts([(STANDARD, 3), (reduced, 50), (STANDARD, 3), (STANDARD, 3)])
    assert [(str(one.rule.percent), one.net_minor, one.tax_minor) for one in found] == [("7", 50, 4), ("19", 9, 2)]


@given(st.integers(1, 10**9), st.lists(st.integers(1, 10**6), max_size=12), st.sampled_from(["19", "7", "5.5", "0"]))
def test_credits_of_the_whole_return_the_whole_tax(net: int, parts: list[int], percent: str) -> None:
    rule = TaxRule(TaxCategory.STANDARD, Decimal(percent))
    (whole,) = tax_amounts([(rule, net)])
    left, returned = net, 0
    for part in [*parts, net]:
        credited = min(part, left)
        returned += credited_tax([whole], {rule: credited}, {rule: net - left})
        left -= credited
        assert 0 <= returned <= whole.tax_minor
    assert (left, returned) == (0, whole.tax_minor)


def test_a_rate_without_an_amount_credits_nothing() -> None:
    assert credited_tax([TaxAmount(STANDARD, 0, 0)], {STANDARD: 5}, {}) == 0


def test_numbers_are_written_within_their_series() -> None:
    made = "{account}/{year}-{month}-{number:4}"
    series = series_of(made, date(2026, 3, 9), "acme")
    assert (series, write_number(made, series, 7)) == ("acme/2026-03-#", "acme/2026-03-0007")
    assert write_number(made, series, 123456) == "acme/2026-03-123456"


@pytest.mark.parametrize("text", ["INV", "{number}{number}", "{number:0}", "{day}{number}", "#{number}", "x" * 40, ""])
def test_other_formats_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_format(text, field="number_format")


def test_a_series_shared_by_accounts_names_them() -> None:
    with pytest.raises(InvalidInput, match="account"):
        check_format("INV-{number}", field="number_format", per_account=True)


@pytest.mark.parametrize(
    ("country", "text", "wanted"),
    [
        ("DE", "de 136 695 976", "DE136695976"),
        ("DE", "136695976", "DE136695976"),
        ("GR", "EL094259216", "EL094259216"),
        ("AT", "ATU 13585627", "ATU13585627"),
        ("GB", "GB 980 7806 84", "GB980780684"),
        ("US", "12-3456789", "123456789"),
        ("DE", " ", ""),
    ],
)
def test_vat_ids_are_stored_in_one_form(country: str, text: str, wanted: str) -> None:
    assert check_vat_id(text, country) == wanted


@pytest.mark.parametrize(("country", "text"), [("DE", "DE136695978"), ("AT", "DE136695976"), ("GB", "GB980780685")])
def test_a_vat_id_of_another_country_or_with_a_wrong_digit_is_refused(country: str, text: str) -> None:
    with pytest.raises(InvalidInput, match="VAT id"):
        check_vat_id(text, country)
