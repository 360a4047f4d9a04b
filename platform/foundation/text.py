"""Text from outside: storable text, displayable text, and comparison of texts.

Three different needs, never mixed. *Foreign* text (a message of another system) is kept as close to its original as the
database allows. *Identity* text (an address, a name, a password) is normalised before it is compared. *Shown* text has
its invisible characters made visible.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

import idna

from foundation.marks import N_

REPLACEMENT: Final = "\ufffd"
NOT_STORABLE: Final = N_("The text contains half a character (a lone surrogate). Remove it.")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_JOINERS: Final = "\u200c\u200d"
_IGNORABLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\uffa0\ufff0-\ufff8\U00016fe4\U0001d159\U000e0000-\U000e0fff]"
)
"""Code points that are invisible though their category does not show it: Default_Ignorable_Code_Point of Unicode's
data, with the code points reserved for it, and three characters that are blank by design.
"""
_PLAIN: Final = re.compile("[ -~\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u20a0-\u20c0\u2190-\u21ff\u2212]*")
"""Characters that are visible in any context and written from left to right: Latin letters and the usual signs."""
_MOST_MARKS: Final = 6
"""Combining marks on one letter; no script stacks more. More would cover the lines above and below."""
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Not Cn (unassigned): scripts and emoji newer than this Python's tables are visible."""
_VISIBLE: Final = frozenset("LNPSC")
"""First letters of visible categories. Categories beginning with C are visible unless they are in `_HIDDEN`."""
_STACKING: Final = frozenset({"Mn", "Me"})
_SELECTABLE: Final = frozenset({"So", "Sm", "Lo"})
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_LONGEST_DOMAIN: Final = 253
_LONGEST_LABEL: Final = 63


class TextInvalid(ValueError):
    """The text cannot be used as identity text; the message names the reason."""


def clean_foreign_text(text: str) -> str:
    """`text` with U+FFFD for characters that neither UTF-8 nor PostgreSQL can represent: U+0000 and lone surrogates.

    For error texts, headers and other text of other systems, before it is stored or logged.
    """
    if "\x00" not in text and text.isascii():
        return text
    return "".join(REPLACEMENT if _cannot_be_stored(c) else c for c in text)


def clean_error_text(text: str, *, longest: int = 500) -> str:
    """An error text of another system for storage: clean, without control characters except line feed and tab,
    bounded.
    """
    cut = clean_foreign_text(text[:longest])
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(REPLACEMENT if unicodedata.category(c) == "Cc" and c not in "\n\t" else c for c in cut)


def clean_foreign_values(value: Any) -> Any:
    """`clean_foreign_text` for each string in a tree of JSON's types, including field names."""
    if isinstance(value, str):
        return clean_foreign_text(value)
    if isinstance(value, Mapping):
        return {clean_foreign_values(name): clean_foreign_values(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [clean_foreign_values(each) for each in value]
    return value


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can store `text` unchanged."""
    return "\x00" not in text and (text.isascii() or _SURROGATE.search(text) is None)


def is_plainly_visible(text: str) -> bool:
    """Whether all characters of `text` are never hidden and never change the direction. A quick test, which is False
    for some such texts, too.
    """
    return _PLAIN.fullmatch(text) is not None


def has_visible_text(text: str) -> bool:
    """Whether `text` has a visible letter, digit, sign or symbol: not only blanks, invisible characters and marks."""
    return any(unicodedata.category(c)[0] in _VISIBLE and not _is_hidden_at(text, at) for at, c in enumerate(text))


def has_hidden(text: str, *, lines: bool = False) -> bool:
    """Whether `text` contains a control, bidirectional, zero-width or other invisible character, or a stack of marks.

    `lines`: line feeds and tabs are allowed. Joiners count as hidden too, except where a script needs them (see
    `normalize_name`).
    """
    if _PLAIN.fullmatch(text) is not None:
        return False
    return any(_is_hidden_at(text, at) for at, c in enumerate(text) if not (lines and c in "\n\t"))


def mark_hidden(text: str, *, lines: bool = False) -> str:
    """`text` with each invisible character shown by its number, such as ⟨U+202E⟩. Pages isolate the text as well
    (`bdi`).
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if not (lines and c in "\n\t") and _is_hidden_at(text, at) else c
        for at, c in enumerate(text)
    )


def escape_hidden(document: str) -> str:
    """The same JSON with invisible characters escaped: visible to readers, equal to parsers."""
    if document.isascii() and document.isprintable():
        return document
    return "".join(
        json.dumps(c)[1:-1] if c != "\n" and _is_hidden_at(document, at) else c for at, c in enumerate(document)
    )


def mark_key(text: str) -> str:
    """A key of another system with every distinguishing character visible: as `mark_hidden`, and also blanks that are
    easily missed (␣ at an end or beside another), other spaces than U+0020, and a form that is not NFC.
    """
    if text.isascii() and text.isprintable() and "  " not in text and text == text.strip():
        return text
    marked = "".join(
        f"⟨U+{ord(c):04X}⟩" if c != " " and unicodedata.category(c) == "Zs" else "␣" if _is_missed(text, at) else c
        for at, c in enumerate(text)
    )
    return mark_hidden(marked) + ("" if unicodedata.is_normalized("NFC", text) else "⟨not NFC⟩")


def _is_missed(text: str, at: int) -> bool:
    """Whether the blank at this place is easily missed by a reader."""
    around = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return text[at] == " " and any(not c or c.isspace() for c in around)


def isolate(text: str) -> str:
    """`text` isolated, so that its direction does not rearrange the text around it (Unicode's isolates, UAX #9)."""
    return f"\u2068{text}\u2069" if any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text) else text


def normalize_name(text: str) -> str:
    """A name of a person, an account or a brand: NFC, single spaces, no invisible characters.

    Zero-width characters are dropped, because they are copied unnoticed with text; joiners stay where their script
    needs them (RFC 5892, appendices A.1 and A.2).

    Raises:
        TextInvalid: control or bidirectional characters, which change how the text around the name is shown; or no
            visible character.
    """
    spaced = " ".join(unicodedata.normalize("NFC", _storable(text)).split())
    kept = "".join(c for at, c in enumerate(spaced) if not _is_zero_width_at(spaced, at))
    if has_hidden(kept):
        raise TextInvalid(N_("it contains a control or direction character"))
    if not has_visible_text(kept):
        raise TextInvalid(N_("it has no visible characters"))
    return " ".join(kept.split())


def normalize_password(text: str) -> str:
    """A password as prepared by RFC 8265 §4.2 (OpaqueString): other spaces become U+0020, then NFC; case is kept.

    Raises:
        TextInvalid: empty, or with control or invisible characters or unassigned code points.
    """
    spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in _storable(text))
    normal = unicodedata.normalize("NFC", spaced)
    if not normal or has_hidden(normal) or any(unicodedata.category(c) == "Cn" for c in normal):
        raise TextInvalid(N_("it is empty or contains a control or invisible character"))
    return normal


def normalize_email(text: str) -> str:
    """An e-mail address in the form for comparison: NFC, case folded, its domain in Unicode (never `xn--`).

    In practice no two mailboxes differ in case only, although RFC 5321 allows it.

    Raises:
        TextInvalid: not an address, or one with blanks, invisible characters or an impossible domain.
    """
    local, at, domain = _storable(text).strip().rpartition("@")
    if not at or not local or not domain:
        raise TextInvalid(N_("it has no name or no domain"))
    folded = _fold(local)
    if has_hidden(folded) or any(c.isspace() for c in folded):
        raise TextInvalid(N_("it contains spaces or invisible characters"))
    if any(unicodedata.category(c) == "Cn" for c in folded):  # programs with newer tables may fold their case
        raise TextInvalid(N_("it contains characters that are not assigned"))
    return f"{folded}@{_readable_domain(domain)}"


def normalize_domain(text: str) -> str:
    """A host name in DNS form: lower case, ASCII (IDNA 2008 with UTS 46 mapping), no final dot.

    Raises:
        TextInvalid: not a host name.
    """
    name = _storable(text).strip().lower().removesuffix(".")
    if not name.isascii() or "xn--" in name:
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as problem:
            raise TextInvalid(N_("it is not a host name")) from problem
    if not 0 < len(name) <= _LONGEST_DOMAIN or not all(map(_is_label, name.split("."))):
        raise TextInvalid(N_("it is not a host name"))
    return name


def _readable_domain(domain: str) -> str:
    name = normalize_domain(domain)
    try:
        return idna.decode(name) if "xn--" in name else name
    except (idna.IDNAError, UnicodeError) as problem:
        raise TextInvalid(N_("it is not a host name")) from problem


def _is_label(label: str) -> bool:
    inner = label.replace("-", "").replace("_", "")
    return 0 < len(label) <= _LONGEST_LABEL and inner.isalnum() and label[0] != "-" and label[-1] != "-"


def _fold(text: str) -> str:
    """NFC, case folded, NFC. Lowered last, as folding converts a few scripts (Cherokee) to capitals."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold().lower())


def _storable(text: str) -> str:
    if not is_storable(text):
        raise TextInvalid(N_("it contains characters that cannot be stored"))
    return text


def _cannot_be_stored(c: str) -> bool:
    return c == "\x00" or "\ud800" <= c <= "\udfff"


def _is_hidden_at(text: str, at: int) -> bool:
    c = text[at]
    if c.isascii():
        return not c.isprintable()
    if c in _JOINERS:
        return not _joins(text, at)
    if _is_variation_selector(c):
        return not _selects(text, at)
    category = unicodedata.category(c)
    return (
        category in _HIDDEN
        or _IGNORABLE.match(c) is not None
        or _is_noncharacter(c)
        or (category in _STACKING and _is_stacked(text, at))
    )


def _is_stacked(text: str, at: int) -> bool:
    before = text[max(0, at - _MOST_MARKS) : at]
    return len(before) == _MOST_MARKS and all(unicodedata.category(c) in _STACKING for c in before)


def _is_zero_width_at(text: str, at: int) -> bool:
    """Whether the character is invisible and has no effect on its neighbours: soft hyphens, byte order marks,
    zero-width spaces, fillers.
    """
    c = text[at]
    if c in _JOINERS:
        return not _joins(text, at)
    if _is_variation_selector(c):
        return not _selects(text, at)
    return _IGNORABLE.match(c) is not None or c in "\u00ad\u180e\u200b\u2060\ufeff"


def _joins(text: str, at: int) -> bool:
    """Whether the joiner at this place changes how its neighbours look: in Arabic and Indic scripts, and in emoji."""
    if text[at] == "\u200d" and 0 < at < len(text) - 1 and unicodedata.category(text[at + 1]) == "So":
        return unicodedata.category(text[at - 1]) in {"So", "Sk"} or _is_variation_selector(text[at - 1])
    try:
        return idna.valid_contextj(text, at)
    except (ValueError, idna.IDNAError):
        return False


def _is_variation_selector(c: str) -> bool:
    return "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef"


def _selects(text: str, at: int) -> bool:
    """Whether a variation selector is effective at this place: after a symbol or an ideograph, and in keycap emoji;
    after any other letter a selector is invisible.
    """
    if at == 0:
        return False
    keycap = text[at - 1] in "0123456789#*" and text[at + 1 : at + 2] == "\u20e3"
    return keycap or unicodedata.category(text[at - 1]) in _SELECTABLE


def _is_noncharacter(c: str) -> bool:
    return "\ufdd0" <= c <= "\ufdef" or ord(c) & 0xFFFE == 0xFFFE
