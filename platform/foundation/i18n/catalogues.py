"""Catalogues of translations: read once per process, then looked up in a dictionary.

The English texts are the keys, so English needs no catalogue. Each slice has its own,
`<room>/<slice>/locale/<language>.po`; a text of several slices is in the catalogue of their room, one of several rooms
in that of foundation. Catalogues are text files that Babel reads; nothing is compiled or built.
"""

import gettext
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

SOURCE_LANGUAGE: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {
    SOURCE_LANGUAGE: "English", "de": "Deutsch", "es": "Español", "fr": "Français",
}  # fmt: skip
"""Languages that are complete, each by its own name."""
FOUNDATION: Final = Path(__file__).parents[1]
_ROOM: Final = "room.py"
_END_OF_HEAD: Final = b"\n\n"
_SOURCE_FOLDER: Final = "platform"


@dataclass(frozen=True, slots=True)
class Translations:
    """Texts and plural forms of one language."""

    texts: Mapping[str, str] = field(default_factory=dict)
    plurals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Forms by the English singular."""
    form_of: Callable[[int], int] = lambda number: int(number != 1)


@cache
def load_catalogue(language: str) -> Translations:
    if language == SOURCE_LANGUAGE:
        return Translations()
    return merge_catalogues(find_catalogues(find_rooms(), language), language)


def merge_catalogues(paths: Iterable[Path], language: str) -> Translations:
    """The translations of all files. They are read as one file, which takes two thirds of the time."""
    files = [path.read_bytes() for path in paths]
    if not files:
        return Translations()
    entries = (content.partition(_END_OF_HEAD)[2] for content in files[1:])
    found = read_po(BytesIO(_END_OF_HEAD.join((files[0], *entries))), locale=language)
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


def find_rooms() -> tuple[Path, ...]:
    """Folders of the rooms: beside foundation where the product is installed, and in two folders in its source tree."""
    beside = FOUNDATION.parent
    parents = (beside, beside.parent) if beside.name == _SOURCE_FOLDER else (beside,)
    return tuple(path.parent for parent in parents for path in sorted(parent.glob(f"*/{_ROOM}")))


def find_catalogues(rooms: Iterable[Path], language: str) -> list[Path]:
    return [
        path for room in rooms for folder in ("", "*/") for path in sorted(room.glob(f"{folder}{path_in(language)}"))
    ]


def path_in(language: str) -> str:
    """Path of a catalogue in the folder of its slice or room."""
    return f"locale/{language}.po"
