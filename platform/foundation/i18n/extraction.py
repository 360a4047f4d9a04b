"""`python -m foundation.i18n.extraction`: updates the catalogues with the texts of code and templates.

New texts are added without a translation, and removed texts are dropped. There is no fuzzy matching: a similar text is
a new one.
"""

import sys
import tomllib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from foundation.i18n.catalogues import LANGUAGES, SOURCE_LANGUAGE, path_of

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


def extract_texts(roots: Sequence[Path]) -> Catalog:
    """The texts of the code and templates under `roots`, without places: they move with every change."""
    catalogue = Catalog(locale=None, charset="utf-8", header_comment="")
    for path in find_sources(roots):
        with path.open("rb") as file:
            texts: list[tuple[str, Any]]
            if path.name == MANIFEST:
                texts = [("", each) for each in _manifest_texts(tomllib.load(file))]
            elif path.suffix == ".html":
                texts = [
                    (function, each) for _, function, each, _ in babel_extract(file, list(_KEYWORDS), [], _OPTIONS)
                ]
            else:
                texts = [("", each) for _, each, _, _ in extract("python", file, keywords=_KEYWORDS)]
        for function, found in texts:
            parts = (found,) if isinstance(found, str) else tuple(part for part in found or () if part)
            if parts:
                is_plural = function == "ngettext" or (not function and len(parts) == _FORMS)
                catalogue.add(parts[:_FORMS] if is_plural else parts[0])
    return catalogue


def _manifest_texts(manifest: dict[str, Any]) -> Iterator[str]:
    """Displayed texts of a connector's manifest; its title is a name."""
    fields = manifest.get("fields", ())
    yield from filter(None, (manifest.get("description"), *(f.get(key) for f in fields for key in ("label", "help"))))


def update_catalogue(language: str, texts: Catalog) -> bytes:
    """The text of the language's catalogue, in step with `texts`."""
    path = path_of(language)
    known = Catalog(locale=language, charset="utf-8")
    if path.exists():
        with path.open("rb") as file:
            known = read_po(file, locale=language)
    known.update(texts, no_fuzzy_matching=True)
    known.obsolete.clear()
    return write_catalogue(known)


def write_catalogue(catalogue: Catalog) -> bytes:
    """The catalogue as a file, without dates and places: they change with every run."""
    buffer = BytesIO()
    write_po(buffer, catalogue, width=_WIDTH, sort_output=True, omit_header=True, no_location=True)
    head = _HEAD.format(language=catalogue.locale, plurals=catalogue.plural_forms)
    return head.encode() + buffer.getvalue()


if __name__ == "__main__":
    extracted = extract_texts([Path(argument) for argument in sys.argv[1:]])
    for code in LANGUAGES:
        if code != SOURCE_LANGUAGE:
            path_of(code).parent.mkdir(parents=True, exist_ok=True)
            path_of(code).write_bytes(update_catalogue(code, extracted))
