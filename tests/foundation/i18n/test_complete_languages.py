"""Completeness of the languages besides German. Checked in the full run only, see `test_catalogues.py`."""

import pytest

from foundation.i18n.catalogues import load_catalogue
from tests.foundation.i18n.test_catalogues import CURE, TRANSLATED, WITH_EACH_TEXT, forms, incomplete, read

LATER = sorted(set(TRANSLATED) - {WITH_EACH_TEXT})


@pytest.mark.parametrize("language", LATER)
def test_a_language_on_offer_is_complete(language: str) -> None:
    assert incomplete(language) == [], CURE


@pytest.mark.parametrize("language", LATER)
def test_a_translation_is_none_of_the_english_texts(language: str) -> None:
    """Two languages share few words; a catalogue of copied English texts would have many equal entries."""
    texts = read(language)
    same = [each.id for each in texts if forms(each, translated=True) == forms(each, translated=False)]
    assert len(same) < len(texts) / 20, same


@pytest.mark.parametrize(("number", "written"), [(0, "0 jour"), (1, "1 jour"), (2, "2 jours")])
def test_french_counts_zero_in_the_singular(number: int, written: str) -> None:
    found = load_catalogue("fr")
    form = found.plurals["{number} day"][found.form_of(number)]
    assert form.format(number=number) == written
