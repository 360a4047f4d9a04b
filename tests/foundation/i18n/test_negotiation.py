"""Language and time zone of a reader: RFC 9110 preferences, and no input that breaks a page."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.i18n.catalogues import LANGUAGES
from foundation.i18n.localizer import Localizer, current_localizer, localized, use_localizer
from foundation.i18n.negotiation import choose_language, localizer_of, time_zones


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"), ("de", "de"), ("de-AT,de;q=0.8,en;q=0.5", "de"), ("DE-CH", "de"), ("en;q=0.5, de;q=0.9", "de"),
        ("nl, de;q=0.1", "de"), ("de;q=0, en", "en"), ("de;q=0", "en"), ("*", "en"), ("nl,*;q=0.5", "en"),
        ("de ; q = 0.7 , en;q=0.6", "de"), ("de;q=2", "en"), ("de;q=0.12345", "en"), (";;,,=", "en"),
        ("x" * 10_000, "en"), (",".join(["xx"] * 30 + ["de"]), "en"), ("de\x00", "en"), ("tlh", "en"),
        ("es-MX, es;q=0.9", "es"), ("fr-CA,fr;q=0.8,de;q=0.9", "fr"), ("it, fr;q=0.3, es;q=0.4", "es"),
    ],
)  # fmt: skip
def test_the_header_chooses_among_our_languages(accepted: str, language: str) -> None:
    assert choose_language(accepted) == language


@given(st.text(alphabet="denfrs;q=01.,-* \t", max_size=60))
def test_no_header_fails(accepted: str) -> None:
    assert choose_language(accepted) in LANGUAGES


@pytest.mark.parametrize("zone", ["Nowhere/Atlantis", "", "../../etc/passwd", "/etc/localtime", "x" * 500, "Factory"])
def test_an_unknown_zone_or_language_is_utc_and_english(zone: str) -> None:
    assert localizer_of("xx", zone) == Localizer("en", UTC)


def test_places_can_be_chosen() -> None:
    assert {"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"} <= time_zones()
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert localizer_of("de", "Europe/Berlin").moment(summer) == "01.07.2026, 14:00 MESZ"


def test_the_reader_is_known_to_every_task_of_the_request_and_to_no_other() -> None:
    with localized(Localizer("de")):
        use_localizer(Localizer("en"))
        assert current_localizer().language == "en"
        with localized(Localizer("de")):
            assert current_localizer().language == "de"
        assert current_localizer().language == "en"
    use_localizer(Localizer("de"))
    assert current_localizer() == Localizer()
