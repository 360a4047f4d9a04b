"""Reader of X12 and EDIFACT: bytes in chunks to segments, with every deviation of the envelopes.

Memory holds one chunk, one segment and the facts of the envelopes, so the size of a file does not matter.
"""

from collections.abc import Generator, Iterable, Iterator
from enum import StrEnum
from typing import Final

from connectors.edi.edifact_envelope import EdifactEnvelope
from connectors.edi.envelope import Envelope, Interchange, Unit, widest
from connectors.edi.errors import EdiError, edi_error
from connectors.edi.headers import read_isa, read_una
from connectors.edi.segments import Segment, Separators, decode, odd_release, split_released
from connectors.edi.source import BLANK, ByteSource, without_breaks
from connectors.edi.x12_envelope import X12Envelope

LONGEST_SEGMENT: Final = 1 << 20
_HEADERS: Final = (b"ISA", b"UNA", b"UNB")


class Verdict(StrEnum):
    """The widest part of a file that must be refused."""

    ACCEPT = "accept"
    ACCEPT_TOLERANT = "accept_tolerant"
    REJECT_MESSAGE = "reject_message"
    REJECT_GROUP = "reject_group"
    REJECT_INTERCHANGE = "reject_interchange"


class Reader:
    """One pass over a file. Iterate over `segments()`, then read the facts.

    `segment_count` is None for a file that cannot be divided into segments; `deviations` lists what was tolerated.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._source = ByteSource(chunks)
        self._envelope: Envelope | None = None
        self._number = 0
        self._separators: Separators | None = None
        self.interchanges: list[Interchange] = []
        self.separators: list[Separators] = []
        self.errors: list[EdiError] = []

    @property
    def unreadable(self) -> bool:
        return any(error.unreadable for error in self.errors)

    @property
    def segment_count(self) -> int | None:
        return None if self.unreadable else self._number

    @property
    def deviations(self) -> list[str]:
        if self.unreadable:
            return []
        seen = list(self._source.deviations)
        for error in self.errors:
            if error.tolerated:
                name = _TOLERANCES.get(error.code, "ISA_LENGTH")
                if name not in seen:
                    seen.append(name)
        return seen

    @property
    def verdict(self) -> Verdict:
        refused = widest(self.errors)
        if refused is not None:
            return Verdict(f"reject_{refused}")
        return Verdict.ACCEPT_TOLERANT if self.deviations else Verdict.ACCEPT

    @property
    def interchange(self) -> Interchange:
        """The interchange that is being read."""
        return self.interchanges[-1]

    def segments(self) -> Iterator[tuple[Segment, Unit | None]]:
        """Each segment with the set or message that contains it; None for those of the envelopes."""
        self._source.open()
        if not self._source.window:
            self.errors.append(edi_error("NOT_EDI", 1, unreadable=True))
            return
        header = self._open()
        while header is not None or self._separators is not None:
            if header is not None:
                yield header, None
            header = None
            if self._separators is None:
                return
            at_header = yield from self._read_interchange(self._separators)
            if not at_header:
                break
            header = self._open()
        if self._envelope is not None:
            self._envelope.end(self._number)

    def _open(self) -> Segment | None:
        """Read the header at the window's start. None if it cannot be read, or is missing."""
        self._separators = None
        if self._envelope is not None:
            self._envelope.end(self._number + 1)
            self._envelope = None
        if self._source.window.startswith(b"ISA"):
            return self._open_x12()
        return self._open_edifact()

    def _open_x12(self) -> Segment | None:
        found = read_isa(self._source, self._number + 1)
        self.errors.extend(found.errors)
        if found.separators is None:
            return None
        self._number += 1
        if found.multi_byte_terminator:
            self._source.note("MULTI_BYTE_TERMINATOR")
        segment = Segment(self._number, found.elements, found.separators)
        self._begin(X12Envelope(segment, self.errors), found.separators)
        return segment

    def _open_edifact(self) -> Segment | None:
        separators = read_una(self._source)
        window = self._source.window
        if separators is None:
            self.errors.append(edi_error("UNB_UNREADABLE", self._number + 1, unreadable=True))
            return None
        if not window.startswith(b"UNB"):
            known = window[:4] in {tag + separators.element.encode("latin-1") for tag in (b"UNH", b"UNG")}
            code = "UNB_MISSING" if known else "NOT_EDI"
            self.errors.append(edi_error(code, self._number + 1, unreadable=not known))
            if known:
                self._begin(EdifactEnvelope(None, self.errors), separators)
            return None
        self._number += 1
        raw = self._take_one(separators)
        if raw is None:
            self.errors.append(edi_error("UNB_UNREADABLE", self._number, unreadable=True))
            return None
        raw = without_breaks(raw)
        segment = Segment(self._number, _divide(raw.decode("latin-1"), separators), separators)
        envelope = EdifactEnvelope(segment, self.errors)
        if not raw.isascii():
            segment = Segment(self._number, _divide(decode(raw, envelope.interchange.charset), separators), separators)
            envelope = EdifactEnvelope(segment, self.errors)
        self._begin(envelope, separators)
        return segment

    def _begin(self, envelope: Envelope, separators: Separators) -> None:
        self._envelope = envelope
        self._separators = separators
        self.interchanges.append(envelope.interchange)
        self.separators.append(separators)

    def _take_one(self, separators: Separators) -> bytes | None:
        """The first segment of the window, which is removed with its terminator."""
        start = 0
        while True:
            at = self._source.window.find(separators.segment, start)
            if at < 0:
                if len(self._source.window) > LONGEST_SEGMENT or not self._source.pull():
                    return None
                continue
            raw = self._source.window[:at]
            if separators.release and odd_release(raw, separators.release.encode("latin-1")):
                start = at + 1
                continue
            self._source.window = self._source.window[at + len(separators.segment) :]
            return raw

    def _read_interchange(self, separators: Separators) -> Generator[tuple[Segment, Unit | None], None, bool]:
        """The segments up to the next header of an interchange: returns whether there is one."""
        source, envelope = self._source, self._envelope
        assert envelope is not None  # noqa: S101 - set with the separators
        charset, terminator = envelope.interchange.charset, separators.segment
        more = True
        while more:
            for raw, rest in self._complete():
                text = raw.lstrip(BLANK)
                if not text:
                    self._note_empty(terminator, closed=envelope.closed)
                    continue
                if text[:3] in _HEADERS and not text[3:4].isalnum():
                    source.window = text + terminator + rest()
                    return True
                yield self._segment(text, charset, separators)
                if envelope.closed:
                    source.window = rest()
                    if self._at_header(terminator):
                        return True
                    break
            else:
                more = len(source.window) <= LONGEST_SEGMENT and source.pull()
        if not source.ended:
            self.errors.append(edi_error("SEGMENT_TOO_LONG", self._number + 1, unreadable=True))
            envelope.lost = True
            return False
        text = source.window.strip(BLANK)
        if text:
            source.note("LAST_SEGMENT_NOT_TERMINATED")
            yield self._segment(text, charset, separators)
        return False

    def _at_header(self, terminator: bytes) -> bool:
        """Whether another interchange follows, behind blanks and surplus terminators."""
        if self._source.skip_blank(terminator):
            self._source.need(4)
        return self._source.window[:3] in _HEADERS

    def _complete(self) -> Iterator[tuple[bytes, "_Rest"]]:
        """The complete segments of the window, each with what follows it; the window keeps the incomplete one."""
        assert self._separators is not None  # noqa: S101 - set with the envelope
        terminator, release = self._separators.segment, self._separators.release.encode("latin-1")
        parts = self._source.window.split(terminator)
        tail = parts.pop()
        held = b""
        for index, part in enumerate(parts):
            raw = held + part
            if release and raw.endswith(release) and odd_release(raw, release):
                held = raw + terminator
                continue
            held = b""
            yield raw, _Rest(parts, index, tail, terminator)
        self._source.window = held + tail

    def _segment(self, raw: bytes, charset: str, separators: Separators) -> tuple[Segment, Unit | None]:
        self._number += 1
        if separators.edifact and b"\n" in raw:
            raw = without_breaks(raw)  # no syntax level has line breaks: a transfer inserted them
        text = raw.decode("ascii") if raw.isascii() else decode(raw, charset)
        if separators.segment == b"\n":
            text = text.rstrip("\r")
        elements = text.split(separators.element)
        if separators.release and separators.release in text:
            elements = _divide(text, separators)
        segment = Segment(self._number, elements, separators)
        assert self._envelope is not None  # noqa: S101 - set with the separators
        return segment, self._envelope.take(segment)

    def _note_empty(self, terminator: bytes, *, closed: bool) -> None:
        if not closed and terminator not in (b"\n", b"\r"):
            self._source.note("EMPTY_SEGMENT")


class _Rest:
    """What follows a complete segment in the window. Joined only when a new interchange may start."""

    __slots__ = ("_parts",)

    def __init__(self, parts: list[bytes], index: int, tail: bytes, terminator: bytes) -> None:
        self._parts = (parts, index, tail, terminator)

    def __call__(self) -> bytes:
        parts, index, tail, terminator = self._parts
        return terminator.join([*parts[index + 1 :], tail])


_TOLERANCES: Final = {"ISA16_MISSING": "ISA16_MISSING", "IEA01_COUNT": "TA1_COUNT"}


def _divide(text: str, separators: Separators) -> list[str]:
    return split_released(text, separators.element, separators.release)
