"""Separators, and segments divided by them."""

from typing import Final

import msgspec

CHARSETS: Final = {
    "UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso8859-1", "UNOD": "iso8859-2", "UNOE": "iso8859-5",
    "UNOF": "iso8859-7", "UNOG": "iso8859-3", "UNOH": "iso8859-4", "UNOI": "iso8859-6", "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9", "UNOL": "iso8859-15", "UNOW": "utf-8", "UNOY": "utf-8", "KECA": "euc_kr",
}  # fmt: skip
"""Character sets by syntax identifier. UNOX (ISO 2022) is absent: its escape sequences may contain separators."""


class Separators(msgspec.Struct, frozen=True):
    """The service characters of one interchange; empty where it has none."""

    element: str
    component: str
    segment: bytes
    release: str = ""
    repetition: str = ""
    decimal: str = "."
    edifact: bool = False


EDIFACT_DEFAULT: Final = Separators("+", ":", b"'", "?", edifact=True)
EDIFACT_CONTROL: Final = Separators("\x1d", "\x1f", b"\x1c", edifact=True)
"""Separators of level B of syntax 1 to 3, where no UNA overrides them."""


class Segment:
    """One segment. Elements are kept as sent, with release characters, until a component is read."""

    __slots__ = ("elements", "number", "separators", "tag")

    def __init__(self, number: int, elements: list[str], separators: Separators) -> None:
        self.number = number
        self.elements = elements
        self.separators = separators
        self.tag = elements[0].split(separators.component, 1)[0] if separators.edifact else elements[0]

    def get(self, element: int, component: int = 0) -> str:
        """The text at a position, empty if absent. Component 0 is the whole element of X12, the first of EDIFACT."""
        if element >= len(self.elements):
            return ""
        value = self.elements[element]
        marks = self.separators
        if not component and not marks.edifact:
            return value
        if not marks.component or marks.component not in value:
            return unescape(value, marks.release) if component <= 1 else ""
        parts = split_released(value, marks.component, marks.release)
        at = max(component, 1) - 1
        return unescape(parts[at], marks.release) if at < len(parts) else ""

    def components(self, element: int) -> list[str]:
        if element >= len(self.elements):
            return []
        marks = self.separators
        return [
            unescape(part, marks.release)
            for part in split_released(self.elements[element], marks.component, marks.release)
        ]


def odd_release(text: str | bytes, release: str | bytes) -> bool:
    """Whether the text ends in a release character that applies to what follows."""
    count = len(text) - len(text.rstrip(release))  # type: ignore[arg-type]
    return count % 2 == 1


def split_released(text: str, separator: str, release: str) -> list[str]:
    """The parts between separators that are not released, as sent."""
    if not separator:
        return [text]
    parts = text.split(separator)
    if not release or release not in text:
        return parts
    done, held = [], ""
    for part in parts:
        whole = held + part
        if odd_release(whole, release):
            held = whole + separator
        else:
            done.append(whole)
            held = ""
    if held:
        done.append(held[: -len(separator)])
    return done


def unescape(text: str, release: str) -> str:
    """The text without its release characters."""
    if not release or release not in text:
        return text
    out, released = [], False
    for character in text:
        if released or character != release:
            out.append(character)
            released = False
        else:
            released = True
    return "".join(out)


def decode(raw: bytes, charset: str) -> str:
    """Text in the declared character set. Many senders declare Latin 1 or ASCII and send UTF-8: valid UTF-8 wins, since
    text of a single-byte set is hardly ever valid UTF-8 by accident. Bytes that the set lacks are read as Latin 1.
    """
    if raw.isascii():
        return raw.decode("ascii")
    for candidate in ("utf-8", charset):
        try:
            return raw.decode(candidate)
        except UnicodeDecodeError:
            continue
    return raw.decode("iso8859-1")
