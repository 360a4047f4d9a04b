"""Parts of an interchange: what its headers and trailers declare, and what was counted."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from connectors.edi.errors import EdiError, Level, Standard, edi_error
from connectors.edi.segments import Segment


class Group(msgspec.Struct, kw_only=True):
    """A functional group. `functional_id` is None for a group whose header cannot be read."""

    functional_id: str | None
    control: str | None
    version: str = ""
    messages: int = 0
    declared: str = ""
    """The number of sets that the trailer states."""
    errors: list[EdiError] = []


class Unit(msgspec.Struct, kw_only=True):
    """A transaction set (X12) or message (EDIFACT). `segments` counts those received, header and trailer included."""

    kind: str
    reference: str
    version: str
    first_segment: int
    segments: int = 1
    group: Group | None = None
    type_parts: tuple[str, ...] = ()
    """Version, release, agency and association code of UNH."""
    errors: list[EdiError] = []


class Interchange(msgspec.Struct, kw_only=True):
    standard: Standard
    control: str | None = None
    sender: str | None = None
    receiver: str | None = None
    sender_qualifier: str = ""
    receiver_qualifier: str = ""
    version: str = ""
    """ISA12, or syntax identifier and version of UNB."""
    charset: str = "utf-8"
    test: bool = False
    acknowledgement_requested: bool = False
    day: str = ""
    time: str = ""
    errors: list[EdiError] = []
    groups: list[Group] = []
    messages: int = 0


class Envelope(ABC):
    """Checks of the headers and trailers of one interchange."""

    def __init__(self, errors: list[EdiError]) -> None:
        self._errors = errors
        self.interchange: Interchange
        self.group: Group | None = None
        self.unit: Unit | None = None
        self.closed = False
        self.lost = False
        """The structure is unknown: later deviations are consequences of that."""

    def report(  # noqa: PLR0913 - keyword-only parts of one record
        self,
        code: str,
        segment: int,
        *,
        expected: str = "",
        found: str = "",
        tolerated: bool = False,
        of: Unit | Group | None = None,
    ) -> None:
        """Record a deviation `of` a set, message or group; otherwise of the part that its level names."""
        if self.lost:
            return
        error = edi_error(code, segment, expected=expected, found=found, tolerated=tolerated)
        self._errors.append(error)
        part = of or (self.group if error.level == Level.GROUP else None)
        (part or self.interchange).errors.append(error)

    @property
    @abstractmethod
    def checks(self) -> Mapping[str, Callable[[Any, Segment], Unit | None]]:
        """The check of each header and trailer, by its tag."""

    @abstractmethod
    def is_expected(self, tag: str) -> bool:
        """Whether a header or trailer can stand here."""

    @abstractmethod
    def report_misplaced(self, segment: Segment) -> None:
        """Record a segment outside the sets or messages, or behind the interchange."""

    def take(self, segment: Segment) -> Unit | None:
        """Check a segment. The set or message that contains it, also for its header and trailer."""
        unit, check = self.unit, self.checks.get(segment.tag)
        if unit is not None and check is None:
            unit.segments += 1
            return unit
        if check is not None and self.is_expected(segment.tag):
            return check(self, segment)
        self.report_misplaced(segment)
        return None

    def end_unit(self, segment: Segment, *, no_header: str, count: str, reference: str) -> Unit | None:
        """Check the trailer of a set or message. The codes are those of the deviations."""
        unit, self.unit = self.unit, None
        if unit is None:
            self.report(no_header, segment.number)
            return None
        unit.segments += 1
        self.check_count(count, segment, unit.segments, unit)
        self.check_same(reference, segment, unit.reference, unit)
        return unit

    def close_unit(self, code: str, at: int) -> None:
        """Record a missing trailer of the open set or message."""
        unit, self.unit = self.unit, None
        if unit is not None:
            self.report(code, at, of=unit)

    @abstractmethod
    def end(self, segment: int) -> None:
        """Check for missing trailers at the end of the file or where another interchange starts."""

    def check_count(self, code: str, segment: Segment, counted: int, of: Unit | Group | None = None) -> None:
        said = segment.get(1)
        if not said.strip().isdecimal() or int(said) != counted:
            self.report(code, segment.number, expected=f"{counted}", found=said, of=of)

    def check_same(self, code: str, segment: Segment, expected: str | None, of: Unit | Group | None = None) -> None:
        """Compare a control number with that of the header."""
        found = segment.get(2)
        if expected is not None and expected.strip() != found.strip():
            self.report(code, segment.number, expected=expected, found=found, of=of)


def widest(errors: list[EdiError]) -> Level | None:
    """The widest part that must be refused."""
    levels = {Level.INTERCHANGE if error.unreadable else error.level for error in errors if not error.tolerated}
    return next((level for level in reversed(Level) if level in levels), None)
