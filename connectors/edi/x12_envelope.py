"""Envelope of X12: ISA, GS, ST and their trailers."""

from collections.abc import Callable, Mapping

from connectors.edi.envelope import Envelope, Group, Interchange, Unit
from connectors.edi.errors import EdiError, Standard, edi_error
from connectors.edi.segments import Segment


class X12Envelope(Envelope):
    def __init__(self, isa: Segment, errors: list[EdiError]) -> None:
        super().__init__(errors)
        value = [text.strip() for text in isa.elements]
        self.interchange = Interchange(
            standard=Standard.X12, control=value[13], sender=value[6], receiver=value[8], sender_qualifier=value[5],
            receiver_qualifier=value[7], version=value[12], test=value[15] == "T",
            acknowledgement_requested=value[14] == "1", day=value[9], time=value[10],
        )  # fmt: skip
        self._ta1 = 0

    @property
    def checks(self) -> Mapping[str, Callable[["X12Envelope", Segment], Unit | None]]:
        return _CHECKS

    def is_expected(self, tag: str) -> bool:  # noqa: ARG002 - nothing can stand behind the interchange
        return not self.closed

    def report_misplaced(self, segment: Segment) -> None:
        if self.closed:
            self.report("IEA_WITHOUT_ISA" if segment.tag == "IEA" else "SEGMENT_OUTSIDE_INTERCHANGE", segment.number)
        elif self.group is None:
            self._unknown_group(segment)
        else:
            self.report("SEGMENT_OUTSIDE_SET", segment.number, found=segment.tag)

    def end(self, segment: int) -> None:
        if not self.closed:
            self._close_group(segment)
            self.report("IEA_MISSING", segment)

    def _gs(self, segment: Segment) -> None:
        self._close_group(segment.number)
        self.group = Group(functional_id=segment.get(1), control=segment.get(6).strip(), version=segment.get(8).strip())
        self.interchange.groups.append(self.group)

    def _ge(self, segment: Segment) -> None:
        self.close_unit("SE_MISSING", segment.number)
        group, self.group = self.group, None
        if group is None:
            self.report("GS_MISSING", segment.number, expected="GS", found="GE")
        elif group.control is not None:
            group.declared = segment.get(1).strip()
            self.check_count("GE01_COUNT", segment, group.messages, group)
            self.check_same("GE02_CONTROL", segment, group.control, group)

    def _st(self, segment: Segment) -> Unit:
        self.close_unit("SE_MISSING", segment.number)
        if self.group is None:
            self._unknown_group(segment)
        group = self.group
        assert group is not None  # noqa: S101 - opened above
        group.messages += 1
        self.interchange.messages += 1
        version = segment.get(3).strip() or group.version
        self.unit = Unit(
            kind=segment.get(1), reference=segment.get(2), version=version, first_segment=segment.number, group=group
        )
        return self.unit

    def _se(self, segment: Segment) -> Unit | None:
        return self.end_unit(segment, no_header="SE_WITHOUT_ST", count="SE01_COUNT", reference="SE02_CONTROL")

    def _iea(self, segment: Segment) -> None:
        self._close_group(segment.number)
        self.closed = True
        groups = len(self.interchange.groups)
        said = segment.get(1).strip()
        if self._ta1 and not groups and said in {"1", f"{self._ta1}"}:
            self.report("IEA01_COUNT", segment.number, expected="0", found=said, tolerated=True)
        else:
            self.check_count("IEA01_COUNT", segment, groups)
        self.check_same("IEA02_CONTROL", segment, self.interchange.control)

    def _acknowledgement(self, _: Segment) -> None:
        self._ta1 += 1

    def _close_group(self, at: int) -> None:
        self.close_unit("SE_MISSING", at)
        if self.group is not None:
            if self.group.control is not None:
                self.report("GE_MISSING", at)
            self.group = None

    def _unknown_group(self, segment: Segment) -> None:
        """Continue in a group without a header, so that its sets are counted."""
        if not self.lost:
            missing = edi_error("GS_MISSING", segment.number, expected="GS", found=segment.tag, unreadable=True)
            self._errors.append(missing)
        self.lost = True
        self.group = Group(functional_id=None, control=None)
        self.interchange.groups.append(self.group)


_CHECKS = {
    "GS": X12Envelope._gs, "GE": X12Envelope._ge, "ST": X12Envelope._st, "SE": X12Envelope._se,  # noqa: SLF001
    "IEA": X12Envelope._iea, "TA1": X12Envelope._acknowledgement,  # noqa: SLF001
}  # fmt: skip
