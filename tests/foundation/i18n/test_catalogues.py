"""Catalogues: in step with code and templates of their slices, with the same placeholders, and German complete.

`test_complete_languages.py` checks the same of the other languages, in the full run only: authors add texts in English
and German, and translators complete the others.
"""

import re
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from foundation.i18n.catalogues import FOUNDATION, LANGUAGES, SOURCE_LANGUAGE, find_catalogues, find_rooms, path_in
from foundation.i18n.extraction import extract_by_owner
from foundation.i18n.messages import placeholders_of
from foundation.i18n.text_owners import TextOwners

ROOT = Path(__file__).resolve().parents[3]
ROOTS = [ROOT / package for package in ("platform", "tenants", "connectors", "branding", "billing")]
CURE = "run `make messages`, then translate what is empty in the catalogues that it changed"
TRANSLATED = sorted(set(LANGUAGES) - {SOURCE_LANGUAGE})
WITH_EACH_TEXT = "de"
"""The language whose translation comes with the change that adds a text."""


@pytest.fixture(scope="module")
def texts() -> Mapping[Path, Catalog]:
    return extract_by_owner(ROOTS, TextOwners(find_rooms(), FOUNDATION))


def read(language: str) -> list[Message]:
    """Entries of all catalogues of the language."""
    return [
        message
        for path in find_catalogues(find_rooms(), language)
        for message in read_po(BytesIO(path.read_bytes()), locale=language)
        if message.id
    ]


def forms(message: Message, *, translated: bool) -> list[str]:
    found = message.string if translated else message.id
    return [found] if isinstance(found, str) else list(found or ())


@pytest.mark.parametrize("language", TRANSLATED)
def test_each_catalogue_has_the_texts_of_its_slice_and_no_others(language: str, texts: Mapping[Path, Catalog]) -> None:
    wanted = {
        owner / path_in(language): {message.id for message in found if message.id} for owner, found in texts.items()
    }
    found = {
        path: {message.id for message in read_po(BytesIO(path.read_bytes()), locale=language) if message.id}
        for path in find_catalogues(find_rooms(), language)
    }
    assert found == wanted, CURE
    assert len(found) > 50


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_has_two_translations(language: str) -> None:
    entries = [message.id for message in read(language)]
    assert [text for text, times in Counter(entries).items() if times > 1] == [], CURE


def incomplete(language: str) -> list[object]:
    """Texts without a translation, with a fuzzy one, or with fewer plural forms than the language has."""
    found: list[object] = []
    for message in read(language):
        written = forms(message, translated=True)
        few = isinstance(message.id, tuple) and len(written) != Catalog(locale=language).num_plurals
        if not written or not all(written) or message.fuzzy or few:
            found.append(message.id)
    return found


def test_german_is_complete() -> None:
    assert incomplete(WITH_EACH_TEXT) == [], CURE


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_of_their_texts(language: str) -> None:
    wrong = []
    for message in read(language):
        wanted = set().union(*map(placeholders_of, forms(message, translated=False)))
        for form in filter(None, forms(message, translated=True)):
            found = placeholders_of(form)
            # The singular form may omit the number, as in "one day".
            if not (found == wanted or (isinstance(message.id, tuple) and found == wanted - {"number"})):
                wrong.append((message.id, form))
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_are_plain_text(language: str) -> None:
    """No markup, and blanks at the ends as in the English text."""
    odd = []
    for message in read(language):
        for source, form in zip(forms(message, translated=False), forms(message, translated=True), strict=False):
            if not form:
                continue
            ends = [re.findall(r"^\s*|\s*$", text) for text in (source, form)]
            if "<" in form or ends[0][0] != ends[1][0] or ends[0][-1] != ends[1][-1]:
                odd.append((source, form))
    assert odd == []
