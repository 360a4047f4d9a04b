"""Envelope of EDIFACT: UNB, UNG, UNH and their trailers."""

from collections.abc import Callable, Mapping

from connectors.edi.envelope import Envelope, Group, Interchange, Unit
from connectors.edi.errors import EdiError, Standard, edi_error
from connectors.edi.segments import CHARSETS, Segment


class EdifactEnvelope(Envelope):
    def __init__(self, unb: Segment | None, errors: list[EdiError]) -> None:
        super().__init__(errors)
        self._grouped = False
        self._has_unb = unb is not None
        self.interchange = Interchange(standard=Standard.EDIFACT)
        if unb is None:
            return
        syntax = unb.get(1, 1)
        self.interchange = Interchange(
            standard=Standard.EDIFACT, control=unb.get(5), sender=unb.get(2, 1), receiver=unb.get(3, 1),
            sender_qualifier=unb.get(2, 2), receiver_qualifier=unb.get(3, 2), version=f"{syntax}:{unb.get(1, 2)}",
            charset=CHARSETS.get(syntax, "iso8859-1"), test=unb.get(11) == "1",
            acknowledgement_requested=unb.get(9) == "1",
        )  # fmt: skip
        if syntax == "UNOX":
            self._errors.append(edi_error("SYNTAX_UNSUPPORTED", unb.number, found=syntax, unreadable=True))

    @property
    def checks(self) -> Mapping[str, Callable[["EdifactEnvelope", Segment], Unit | None]]:
        return _CHECKS

    def is_expected(self, tag: str) -> bool:
        return not (self.closed and tag == "UNZ")

    def report_misplaced(self, segment: Segment) -> None:
        code = "UNZ_WITHOUT_UNB" if segment.tag == "UNZ" else "SEGMENT_OUTSIDE_MESSAGE"
        self.report(code, segment.number, found=segment.tag)

    def end(self, segment: int) -> None:
        if self.closed:
            return
        self._close_group(segment)
        if self._has_unb:
            self.report("UNZ_MISSING", segment)
        else:
            self.report("ENVELOPE_MISSING", 1)

    def _ung(self, segment: Segment) -> None:
        self._close_group(segment.number)
        self._grouped = True
        version = " ".join(filter(None, (".".join(segment.components(7)[:2]), segment.get(7, 3))))
        self.group = Group(functional_id=segment.get(1), control=segment.get(5), version=version)
        self.interchange.groups.append(self.group)

    def _une(self, segment: Segment) -> None:
        self.close_unit("UNT_MISSING", segment.number)
        group, self.group = self.group, None
        if group is None:
            self.report("UNE_WITHOUT_UNG", segment.number)
            return
        self.check_count("UNE01_COUNT", segment, group.messages, group)
        self.check_same("UNE02_REF", segment, group.control, group)

    def _unh(self, segment: Segment) -> Unit:
        self.close_unit("UNT_MISSING", segment.number)
        if self.group is not None:
            self.group.messages += 1
        self.interchange.messages += 1
        kind = segment.components(2)
        version = " ".join(filter(None, (".".join(kind[1:3]), kind[4] if len(kind) > 4 else "")))
        self.unit = Unit(
            kind=kind[0] if kind else "", reference=segment.get(1), version=version, first_segment=segment.number,
            group=self.group, type_parts=tuple(kind[1:5]),
        )  # fmt: skip
        return self.unit

    def _unt(self, segment: Segment) -> Unit | None:
        return self.end_unit(segment, no_header="UNT_WITHOUT_UNH", count="UNT01_COUNT", reference="UNT02_REF")

    def _unz(self, segment: Segment) -> None:
        self._close_group(segment.number)
        self.closed = True
        interchange = self.interchange
        self.check_count("UNZ01_COUNT", segment, len(interchange.groups) if self._grouped else interchange.messages)
        self.check_same("UNZ02_REF", segment, interchange.control)

    def _close_group(self, at: int) -> None:
        self.close_unit("UNT_MISSING", at)
        if self.group is not None:
            self.report("UNE_MISSING", at)
            self.group = None


_CHECKS = {
    "UNG": EdifactEnvelope._ung, "UNE": EdifactEnvelope._une, "UNH": EdifactEnvelope._unh,  # noqa: SLF001
    "UNT": EdifactEnvelope._unt, "UNZ": EdifactEnvelope._unz,  # noqa: SLF001
}  # fmt: skip
