"""`python -m foundation.i18n.extraction`: updates the catalogues with the texts of code and templates.

New texts are added without a translation, and removed texts are dropped. A text that another slice uses now moves to
the catalogue of the slice or room that it belongs to, with its translation. There is no fuzzy matching: a similar text
is a new one.
"""

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from foundation.i18n.catalogues import (
    FOUNDATION,
    LANGUAGES,
    SOURCE_LANGUAGE,
    find_catalogues,
    find_rooms,
    path_in,
)
from foundation.i18n.text_owners import TextOwners

Text = str | tuple[str, str]
Translation = str | tuple[str, ...] | list[str]
MANIFEST: Final = "manifest.toml"
_KEYWORDS: Final = {
    "_": None,
    "N_": None,
    "NN_": (1, 2),
    "translate": None,
    "translate_number": (1, 2),
    "gettext": None,
    "ngettext": (1, 2),
}
_OPTIONS: Final = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
_WIDTH: Final = 120
_FORMS: Final = 2
_HEAD: Final = """msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def find_sources(roots: Sequence[Path]) -> Iterator[Path]:
    for root in roots:
        yield from sorted(
            path
            for path in root.rglob("*")
            if (path.suffix in {".py", ".html"} or path.name == MANIFEST) and path.is_file()
        )


def extract_by_owner(roots: Sequence[Path], owners: TextOwners) -> Mapping[Path, Catalog]:
    """The texts under `roots` by the slice or room whose catalogue has them."""
    found: dict[str, tuple[Text, set[Path]]] = {}
    for path in find_sources(roots):
        for text in _read_texts(path):
            # A text with a plural form replaces the same text without one, and serves for both.
            known, used_by = found.get(_key_of(text), (text, set()))
            found[_key_of(text)] = (text if isinstance(text, tuple) else known, {*used_by, owners.owner_of(path)})
    catalogues: dict[Path, Catalog] = {}
    for text, used_by in found.values():
        catalogues.setdefault(owners.common_owner(used_by), _new_catalogue()).add(text)
    return catalogues


def _new_catalogue() -> Catalog:
    return Catalog(locale=None, charset="utf-8", header_comment="")


def _key_of(text: object) -> str:
    return str(text[0] if isinstance(text, tuple | list) else text)


def _read_texts(path: Path) -> Iterator[Text]:
    """The texts of one file; one with a plural form is a pair."""
    with path.open("rb") as file:
        texts: list[tuple[str, Any]]
        if path.name == MANIFEST:
            texts = [("", each) for each in _manifest_texts(tomllib.load(file))]
        elif path.suffix == ".html":
            texts = [(function, each) for _, function, each, _ in babel_extract(file, list(_KEYWORDS), [], _OPTIONS)]
        else:
            texts = [("", each) for _, each, _, _ in extract("python", file, keywords=_KEYWORDS)]
    for function, found in texts:
        parts = (found,) if isinstance(found, str) else tuple(part for part in found or () if part)
        if parts:
            is_plural = function == "ngettext" or (not function and len(parts) == _FORMS)
            yield (parts[0], parts[1]) if is_plural else parts[0]


def _manifest_texts(manifest: dict[str, Any]) -> Iterator[str]:
    """Displayed texts of a connector's manifest; its title is a name."""
    fields = manifest.get("fields", ())
    yield from filter(None, (manifest.get("description"), *(f.get(key) for f in fields for key in ("label", "help"))))


def update_catalogues(roots: Sequence[Path], rooms: Sequence[Path], lowest: Path) -> None:
    """Write the catalogues of all rooms from the texts under `roots`. Raises ValueError if these do not contain every
    room: texts of the others would lose their translations.
    """
    if missing := [room for room in rooms if not any(room.is_relative_to(root.resolve()) for root in roots)]:
        raise ValueError(f"texts of these rooms are missing: {', '.join(room.name for room in missing)}")
    texts = extract_by_owner([root.resolve() for root in roots], TextOwners(rooms, lowest))
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            known = read_translations(find_catalogues(rooms, language), language)
            written = {owner / path_in(language): fill_catalogue(texts[owner], known, language) for owner in texts}
            for path in set(find_catalogues(rooms, language)) - written.keys():
                path.unlink()
            for path, content in written.items():
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)


def read_translations(paths: Iterable[Path], language: str) -> dict[str, Translation]:
    """Translations of all catalogues, because texts move between them. A text that two catalogues translate
    differently, as after a merge, keeps the first translation.
    """
    known: dict[str, Translation] = {}
    for path in paths:
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                written: Translation = message.string or ""
                if message.id and any(written) and not message.fuzzy:
                    kept = known.setdefault(_key_of(message.id), written)
                    if kept != written:
                        sys.stderr.write(f"{path}: {written!r} is dropped for {kept!r}\n")
    return known


def fill_catalogue(texts: Catalog, known: Mapping[str, Translation], language: str) -> bytes:
    filled = Catalog(locale=language, charset="utf-8")
    for message in texts:
        if message.id:
            found = known.get(_key_of(message.id), "")
            filled.add(message.id, found if isinstance(found, str) == isinstance(message.id, str) else "")
    return write_catalogue(filled)


def write_catalogue(catalogue: Catalog) -> bytes:
    """The catalogue as a file, without dates and places: they change with every run."""
    buffer = BytesIO()
    write_po(buffer, catalogue, width=_WIDTH, sort_output=True, omit_header=True, no_location=True)
    head = _HEAD.format(language=catalogue.locale, plurals=catalogue.plural_forms)
    return head.encode() + buffer.getvalue()


if __name__ == "__main__":
    update_catalogues([Path(argument) for argument in sys.argv[1:]], find_rooms(), FOUNDATION)
