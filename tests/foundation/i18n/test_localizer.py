"""Formats of each language: they can be parsed back, and use the language's own characters."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.i18n.catalogues import LANGUAGES
from foundation.i18n.localizer import Localizer

languages = st.sampled_from(sorted(LANGUAGES))
SIGNS = {"en": (",", "."), "de": (".", ","), "es": (".", ","), "fr": ("\N{NARROW NO-BREAK SPACE}", ",")}


@given(languages, st.decimals(-(10**12), 10**12, places=2, allow_nan=False))
def test_a_number_loses_nothing(language: str, value: Decimal) -> None:
    group, point = SIGNS[language]
    written = Localizer(language).number(value, 2)
    assert Decimal(written.replace(group, "").replace(point, ".").replace("−", "-")) == value


@given(languages, st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_every_instant_can_be_written(language: str, at: datetime, now: datetime) -> None:
    localizer = Localizer(language)
    assert localizer.moment(at).endswith(" UTC")
    assert str(at.year) in localizer.moment(at, seconds=True)
    assert localizer.ago(at, now)


@pytest.mark.parametrize("offset", [-14, 14])
def test_a_time_without_a_year_in_utc_keeps_its_offset(offset: int) -> None:
    zone = timezone(timedelta(hours=offset))
    at = datetime.max.replace(tzinfo=zone) if offset < 0 else datetime.min.replace(tzinfo=zone)
    assert re.search(r"[+-]1400$", Localizer("de").moment(at))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "{number} unheard things"),
        (1, "{number} unheard thing"),
        (2, "{number} unheard things"),
        (21, "{number} unheard things"),
    ],
)
def test_a_text_without_translation_has_the_english_form(number: int, text: str) -> None:
    assert Localizer("de").plural("{number} unheard thing", "{number} unheard things", number) == text
    assert Localizer("de").text("no such text") == "no such text"


@pytest.mark.parametrize(
    ("language", "month", "day", "ago"),
    [
        ("en", "April 2026", "3 Apr 2026", "5 min ago"),
        ("de", "April 2026", "03.04.2026", "vor 5 Min."),
        ("es", "abril de 2026", "3 abr 2026", "hace 5 min"),
        ("fr", "avril 2026", "3 avr. 2026", "il y a 5 min"),
    ],
)
def test_dates_have_the_form_of_the_language(language: str, month: str, day: str, ago: str) -> None:
    at = datetime(2026, 4, 3, 12, tzinfo=UTC)
    localizer = Localizer(language)
    assert (localizer.month(at), localizer.date(at)) == (month, day)
    assert re.fullmatch(r"abr\.? 2026|avr\. 2026|Apr\.? 2026", localizer.short_month(at).replace(" de ", " "))
    assert localizer.ago(at, at + timedelta(minutes=5)).replace("\N{NO-BREAK SPACE}", " ") == ago


@pytest.mark.parametrize(
    ("language", "label", "within"),
    [
        ("en", "List price", "list price"),
        ("en", "Product name or SKU", "product name or SKU"),
        ("de", "Listenpreis", "Listenpreis"),
        ("es", "Precio de lista", "precio de lista"),
        ("fr", "Élément", "élément"),
        ("fr", "Échec à l’envoi", "échec à l’envoi"),
    ],
)
def test_a_label_within_a_sentence_has_capitals_as_the_language_has_them(
    language: str, label: str, within: str
) -> None:
    assert Localizer(language).in_sentence(label) == within
