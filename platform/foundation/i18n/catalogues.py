"""Catalogues of translations: read once per process, then looked up in a dictionary.

The English texts are the keys, so English needs no catalogue. Catalogues are text files that Babel reads; nothing is
compiled or built.
"""

import gettext
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

LOCALE: Final = Path(__file__).parent / "locale"
SOURCE_LANGUAGE: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {
    SOURCE_LANGUAGE: "English", "de": "Deutsch", "es": "Español", "fr": "Français",
}  # fmt: skip
"""Languages that are complete, each by its own name."""


@dataclass(frozen=True, slots=True)
class Translations:
    """Texts and plural forms of one language."""

    texts: Mapping[str, str] = field(default_factory=dict)
    plurals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Forms by the English singular."""
    form_of: Callable[[int], int] = lambda number: int(number != 1)


@cache
def load_catalogue(language: str) -> Translations:
    path = path_of(language)
    if language == SOURCE_LANGUAGE or not path.exists():
        return Translations()
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    texts: dict[str, str] = {}
    plurals: dict[str, tuple[str, ...]] = {}
    for each in found:
        if not each.id or not each.string or each.fuzzy:
            continue
        if isinstance(each.id, str):
            texts[each.id] = str(each.string)
        else:
            plurals[each.id[0]] = tuple(map(str, each.string))
    return Translations(texts, plurals, gettext.c2py(found.plural_expr))


def path_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "messages.po"
