"""Catalogues: in step with code and templates, with the same placeholders, and German complete.

`test_complete_languages.py` checks the same of the other languages, in the full run only: authors add texts in English
and German, and translators complete the others.
"""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from foundation.i18n.catalogues import LANGUAGES, SOURCE_LANGUAGE, path_of
from foundation.i18n.extraction import extract_texts
from foundation.i18n.messages import placeholders_of

ROOT = Path(__file__).resolve().parents[3]
ROOTS = [ROOT / package for package in ("platform", "tenants", "connectors", "branding", "billing")]
CURE = "run `make messages`, then translate what is empty in platform/foundation/i18n/locale/*/LC_MESSAGES/messages.po"
TRANSLATED = sorted(set(LANGUAGES) - {SOURCE_LANGUAGE})
WITH_EACH_TEXT = "de"
"""The language whose translation comes with the change that adds a text."""


@pytest.fixture(scope="module")
def texts() -> Catalog:
    return extract_texts(ROOTS)


def read(language: str) -> Catalog:
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def forms(message: Message, *, translated: bool) -> list[str]:
    found = message.string if translated else message.id
    return [found] if isinstance(found, str) else list(found or ())


def keys(catalogue: Catalog) -> set[object]:
    return {message.id for message in catalogue if message.id}


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_the_texts_of_today_and_no_others(language: str, texts: Catalog) -> None:
    assert keys(read(language)) == keys(texts), CURE
    assert len(keys(texts)) > 100


def incomplete(language: str) -> list[object]:
    """Texts without a translation, with a fuzzy one, or with fewer plural forms than the language has."""
    catalogue = read(language)
    found: list[object] = []
    for message in catalogue:
        written = forms(message, translated=True)
        few = isinstance(message.id, tuple) and len(written) != catalogue.num_plurals
        if message.id and (not written or not all(written) or message.fuzzy or few):
            found.append(message.id)
    return found


def test_german_is_complete() -> None:
    assert incomplete(WITH_EACH_TEXT) == [], CURE


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_placeholders_of_their_texts(language: str) -> None:
    wrong = []
    for message in read(language):
        if not message.id:
            continue
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
            if message.id and ("<" in form or ends[0][0] != ends[1][0] or ends[0][-1] != ends[1][-1]):
                odd.append((source, form))
    assert odd == []
