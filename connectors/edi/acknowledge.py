"""Acknowledgements of received interchanges: 997 and TA1 of X12, CONTRL of EDIFACT, with the errors that were found."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from connectors.edi.envelope import Group, Interchange, Unit
from connectors.edi.errors import EdiError, Standard
from connectors.edi.reader import Reader
from connectors.edi.segments import EDIFACT_DEFAULT, Separators
from connectors.edi.writer import Element, write_segments

_X12: Final = Separators("*", ">", b"~\n")
_EDIFACT: Final = EDIFACT_DEFAULT
_MOST_CODES: Final = 5
_ACCEPTED: Final = "7"
_REFUSED: Final = "4"
_FUNCTIONAL: Final = frozenset({"FA"})
_SYNTAX_REPORT: Final = "CONTRL"
Segments = list[Sequence[Element]]


class ReceivedUnits:
    """The sets or messages of one interchange, in their order."""

    def __init__(self, interchange: Interchange) -> None:
        self.interchange = interchange
        self.units: list[Unit] = []


def acknowledge(reader: Reader, *, first_control: int, now: datetime) -> Iterator[bytes]:
    """Read the file, and write one interchange in answer to each that can be answered. Acknowledgements are not
    acknowledged themselves. Control numbers count from `first_control`.
    """
    received = _receive(reader)
    number = first_control
    for each in received:
        write = _ANSWERS[each.interchange.standard]
        answer = write(each, f"{number}", now)
        if answer is not None:
            yield answer
            number += 1


def _receive(reader: Reader) -> list[ReceivedUnits]:
    found: list[ReceivedUnits] = []
    current: Unit | None = None
    for _, unit in reader.segments():
        if not found or found[-1].interchange is not reader.interchange:
            found.append(ReceivedUnits(reader.interchange))
        if unit is not None and unit is not current:
            found[-1].units.append(unit)
        current = unit
    for received in found:
        received.interchange.errors.extend(_unreadable(reader, received.interchange))
    return found


def _unreadable(reader: Reader, interchange: Interchange) -> list[EdiError]:
    last = interchange is reader.interchanges[-1]
    return [error for error in reader.errors if last and error.unreadable]


def _codes(errors: list[EdiError], prefix: str) -> list[str]:
    """The codes of the errors in one data element, such as AK502, each once."""
    found = [error.acknowledgement.removeprefix(prefix) for error in errors if error.acknowledgement.startswith(prefix)]
    return list(dict.fromkeys(found))[:_MOST_CODES]


def _answer_x12(received: ReceivedUnits, number: str, now: datetime) -> bytes | None:
    interchange = received.interchange
    refused = [error for error in interchange.errors if not error.tolerated]
    groups = [each for each in interchange.groups if each.functional_id not in _FUNCTIONAL]
    if not refused and not groups:
        return None
    control, day, minute = number.zfill(9), now.strftime("%y%m%d"), now.strftime("%H%M")
    isa = (
        "ISA", "00", " " * 10, "00", " " * 10, interchange.receiver_qualifier, (interchange.receiver or "").ljust(15),
        interchange.sender_qualifier, (interchange.sender or "").ljust(15), day, minute, "U", "00401", control, "0",
        "T" if interchange.test else "P",
    )  # fmt: skip
    header = (_X12.element.join(isa) + _X12.element + _X12.component).encode("latin-1") + _X12.segment
    if refused:
        code = (_codes(refused, "TA105=") or ["022"])[0]
        body: Segments = [("TA1", (interchange.control or "").zfill(9), interchange.day, interchange.time, "R", code)]
        trailer: Segments = [("IEA", "0", control)]
    else:
        body = [
            ("GS", "FA", interchange.receiver or "", interchange.sender or "", now.strftime("%Y%m%d"), minute, number,
             "X", "004010"),
        ]  # fmt: skip
        for index, group in enumerate(groups, start=1):
            body += _functional(group, [unit for unit in received.units if unit.group is group], f"{index:04}")
        trailer = [("GE", f"{len(groups)}", number), ("IEA", "1", control)]
    return header + write_segments([*body, *trailer], _X12, "utf-8")


def _functional(group: Group, units: list[Unit], reference: str) -> Segments:
    """One 997. A group whose trailer is wrong is refused whole."""
    errors = [error for error in group.errors if not error.tolerated]
    accepted = 0 if errors else sum(not unit.errors for unit in units)
    verdict = "R" if errors or (units and not accepted) else "A" if accepted == len(units) else "P"
    segments: Segments = [("ST", "997", reference), ("AK1", group.functional_id or "", group.control or "")]
    for unit in units:
        codes = _codes(unit.errors, "AK502=")
        segments += [("AK2", unit.kind, unit.reference), ("AK5", "R" if unit.errors else "A", *codes)]
    said = group.declared if group.declared.isdigit() else f"{len(units)}"
    segments.append(("AK9", verdict, said, f"{len(units)}", f"{accepted}", *_codes(errors, "AK905=")))
    return [*segments, ("SE", f"{len(segments) + 1}", reference)]


def _answer_edifact(received: ReceivedUnits, number: str, now: datetime) -> bytes | None:
    interchange = received.interchange
    units = [unit for unit in received.units if unit.kind != _SYNTAX_REPORT]
    refused = [error for error in interchange.errors if not error.tolerated]
    if interchange.control is None or not (units or refused):
        return None
    sender = (interchange.sender or "", interchange.sender_qualifier)
    receiver = (interchange.receiver or "", interchange.receiver_qualifier)
    action = _REFUSED if refused else _ACCEPTED
    body: Segments = [
        ("UNH", "1", ("CONTRL", "2", "2", "UN")),
        ("UCI", interchange.control, sender, receiver, action, *_codes(refused, "CONTRL 0085=")[:1]),
    ]
    for unit in units if not refused else ():
        errors = [*unit.errors, *(unit.group.errors if unit.group else ())]
        kind: Sequence[str] = (unit.kind, *unit.type_parts)
        codes = _codes(errors, "CONTRL 0085=")[:1]
        body.append(("UCM", unit.reference, kind, _REFUSED if errors else _ACCEPTED, *codes))
    body.append(("UNT", f"{len(body) + 1}", "1"))
    unb: Sequence[Element] = (
        "UNB", ("UNOW", "4"), receiver, sender, (now.strftime("%Y%m%d"), now.strftime("%H%M")), number,
    )  # fmt: skip
    return write_segments([unb, *body, ("UNZ", "1", number)], _EDIFACT, "utf-8")


_ANSWERS: Final[dict[Standard, Callable[[ReceivedUnits, str, datetime], bytes | None]]] = {
    Standard.X12: _answer_x12,
    Standard.EDIFACT: _answer_edifact,
}
