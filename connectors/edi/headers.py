"""Separators and header of an interchange, found at its first bytes."""

import re
from typing import Final

import msgspec

from connectors.edi.errors import EdiError, edi_error
from connectors.edi.segments import EDIFACT_CONTROL, EDIFACT_DEFAULT, Separators
from connectors.edi.source import ByteSource

_WIDTHS: Final = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1)
"""Length of each of ISA01 to ISA15."""
_ELEMENTS: Final = 16
_WINDOW: Final = 2_048
_DISTINCT: Final = 3
"""Separators that must differ: of components, elements and segments."""


class X12Header(msgspec.Struct, frozen=True):
    """The ISA segment; without separators if the interchange is unreadable."""

    elements: list[str]
    separators: Separators | None
    errors: list[EdiError]
    multi_byte_terminator: bool = False


def read_isa(source: ByteSource, segment: int) -> X12Header:
    """Read ISA at the window's start, and remove it with its terminator. Separators are found by counting sixteen
    element separators, because senders trim the padding on which fixed positions depend.
    """
    source.need(_WINDOW)
    window = source.window
    mark = window[3:4]
    ends = _find_all(window, mark, _ELEMENTS)
    early = re.search(rb"[^A-Za-z0-9 ]\s*(?:GS|TA1|IEA)" + re.escape(mark), window[: ends[-1] + 1 if ends else 0])
    if early:
        return _unreadable("ISA_ELEMENTS", segment, f"{_ELEMENTS}", f"{window[: early.start()].count(mark)}")
    if len(ends) < _ELEMENTS:
        return _unreadable("TRUNCATED", segment, "", f"{len(window.rstrip())}")
    start = ends[-1] + 1
    values = window[:start].split(mark)[:_ELEMENTS]
    lengths = [
        edi_error(f"ISA{place:02}_LENGTH", segment, expected=f"{width}", found=f"{len(value)}", tolerated=True)
        for place, (value, width) in enumerate(zip(values[1:], _WIDTHS, strict=True), start=1)
        if len(value) != width
    ]
    component, rest = window[start : start + 1], window[start + 1 :]
    elements = [value.decode("latin-1") for value in values]  # ISA is defined by bytes
    if _is_terminator(component, rest, mark):
        source.window = rest
        missing = edi_error("ISA16_MISSING", segment, tolerated=True)
        return X12Header([*elements, ""], Separators(mark.decode("latin-1"), "", component), [missing, *lengths])
    if fault := _terminator_fault(component, rest, mark, segment):
        return X12Header(elements, None, [*([] if fault.code.startswith("SEGMENT_") else lengths), fault])
    terminator = _whole_character(rest)
    source.window = rest[len(terminator) :]
    elements.append(component.decode("latin-1"))
    repetition = elements[11] if elements[11] != "U" and not elements[11].isalnum() else ""
    separators = Separators(mark.decode("latin-1"), elements[16], terminator, repetition=repetition)
    return X12Header(elements, separators, lengths, len(terminator) > 1)


def _find_all(window: bytes, mark: bytes, most: int) -> list[int]:
    found: list[int] = []
    at = window.find(mark)
    while at >= 0 and len(found) < most:
        found.append(at)
        at = window.find(mark, at + 1)
    return found


def _is_terminator(mark: bytes, rest: bytes, element: bytes) -> bool:
    """Whether the character in the place of ISA16 ends the segment, so that ISA16 is missing: the group header follows
    at once, and ends in the same character.
    """
    sep, end = re.escape(element), re.escape(mark)
    following = rb"\s*(?:GS|TA1)" + sep + rb"[^" + end + rb"]*" + end + rb"\s*(?:ST|GE|GS|TA1|IEA)" + sep
    return mark not in b"\r\n" and re.match(following, rest) is not None


def _terminator_fault(component: bytes, rest: bytes, element: bytes, segment: int) -> EdiError | None:
    """The reason for which the segment terminator is unknown."""
    terminator = rest[:1]
    code, expected, found = "", "", ""
    if not rest.strip():
        code, found = "IEA_MISSING", ""
    elif component in (b"\r", b"\n"):
        code = "ISA16_MISSING"
    elif terminator == element:
        line = rest.splitlines()[0]
        code, expected, found = "ISA_ELEMENTS", f"{_ELEMENTS}", f"{_ELEMENTS + line.count(element)}"
    elif terminator == component or re.match(rb"[^A-Za-z0-9\s][^A-Za-z0-9\s]\s*(?:GS|TA1|IEA)", rest):
        code, expected, found = "ISA16_LENGTH", "1", "2"
    elif terminator == b" ":
        code = "SEGMENT_TERMINATOR_IS_SPACE"
    elif terminator.isalnum():
        code, found = "SEGMENT_TERMINATOR_INVALID", terminator.decode("ascii")
    return edi_error(code, segment, expected=expected, found=found, unreadable=True) if code else None


def _whole_character(rest: bytes) -> bytes:
    """The first character, of more than one byte if it is UTF-8."""
    for size in range(1, 5):
        try:
            rest[:size].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return rest[:size]
    return rest[:1]


def _unreadable(code: str, segment: int, expected: str, found: str) -> X12Header:
    return X12Header([], None, [edi_error(code, segment, expected=expected, found=found, unreadable=True)])


def read_una(source: ByteSource) -> Separators | None:
    """The separators of UNA, which is removed, or the standard's; None if they cannot be those of the UNB."""
    source.need(16)
    given = EDIFACT_DEFAULT
    if source.window.startswith(b"UNA"):
        marks = source.window[3:9].decode("latin-1")
        if len(set(marks[:2] + marks[5:])) < _DISTINCT:
            return None
        repetition = "" if marks[4].isspace() or marks[4].isalnum() else marks[4]
        release = "" if marks[3] == " " else marks[3]
        given = Separators(marks[1], marks[0], marks[5].encode("latin-1"), release, repetition, marks[2], edifact=True)
        source.window = source.window[9:]
        source.skip_blank()
        source.need(16)
    elif source.window[3:4] == EDIFACT_CONTROL.element.encode():
        given = EDIFACT_CONTROL
    if source.window.startswith(b"UNB") and source.window[3:4] != given.element.encode("latin-1"):
        return None
    return given
