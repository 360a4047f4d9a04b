"""Errors of an interchange's envelope, with the codes that acknowledge them."""

from enum import StrEnum
from typing import Final

import msgspec


class Level(StrEnum):
    """The part of a file that an error refuses, from the narrowest to the widest."""

    MESSAGE = "message"
    GROUP = "group"
    INTERCHANGE = "interchange"


class Standard(StrEnum):
    X12 = "X12"
    EDIFACT = "EDIFACT"


class EdiError(msgspec.Struct, frozen=True, kw_only=True):
    """A deviation from the standard. `segment` counts from 1 in the file (UNA is not counted), `element` from 1 after
    the tag, `component` from 1. `expected` and `found` are data, for display. A `tolerated` error refuses nothing.
    """

    code: str
    level: Level
    acknowledgement: str
    segment: int
    element: int | None = None
    component: int | None = None
    expected: str = ""
    found: str = ""
    tolerated: bool = False
    unreadable: bool = False
    """The interchange cannot be divided into segments, or its structure is unknown from here on."""


_M: Final = Level.MESSAGE
_G: Final = Level.GROUP
_I: Final = Level.INTERCHANGE
_KNOWN: Final[dict[str, tuple[Level, str, int | None]]] = {
    # X12 transaction set: AK502 of a 997
    "SE01_COUNT": (_M, "AK502=4", 1),
    "SE02_CONTROL": (_M, "AK502=3", 2),
    "SE_MISSING": (_M, "AK502=2", None),
    "SE_WITHOUT_ST": (_M, "AK502=6", None),
    "SEGMENT_OUTSIDE_SET": (_M, "AK502=6", None),
    # X12 functional group: AK905
    "GE01_COUNT": (_G, "AK905=5", 1),
    "GE02_CONTROL": (_G, "AK905=4", 2),
    "GE_MISSING": (_G, "AK905=3", None),
    "GS_MISSING": (_G, "TA105=024", None),
    # X12 interchange: TA105
    "IEA01_COUNT": (_I, "TA105=021", 1),
    "IEA02_CONTROL": (_I, "TA105=001", 2),
    "IEA_MISSING": (_I, "TA105=023", None),
    "IEA_WITHOUT_ISA": (_I, "TA105=022", None),
    "SEGMENT_OUTSIDE_INTERCHANGE": (_I, "TA105=022", None),
    "ISA_ELEMENTS": (_I, "TA105=022", None),
    "ISA16_MISSING": (_I, "TA105=027", 16),
    "ISA16_LENGTH": (_I, "TA105=027", 16),
    "SEGMENT_TERMINATOR_INVALID": (_I, "TA105=004", None),
    "SEGMENT_TERMINATOR_IS_SPACE": (_I, "TA105=004", None),
    "TRUNCATED": (_I, "no TA1 possible (ISA incomplete)", None),
    "SEGMENT_TOO_LONG": (_I, "TA105=022", None),
    "NOT_EDI": (_I, "no acknowledgement possible", None),
    # EDIFACT: 0085 of a CONTRL
    "UNT01_COUNT": (_M, "CONTRL 0085=29", 1),
    "UNT02_REF": (_M, "CONTRL 0085=28", 2),
    "UNT_MISSING": (_M, "CONTRL 0085=13", None),
    "UNT_WITHOUT_UNH": (_M, "CONTRL 0085=33", None),
    "SEGMENT_OUTSIDE_MESSAGE": (_M, "CONTRL 0085=33", None),
    "UNE01_COUNT": (_G, "CONTRL 0085=29", 1),
    "UNE02_REF": (_G, "CONTRL 0085=28", 2),
    "UNE_MISSING": (_G, "CONTRL 0085=13", None),
    "UNE_WITHOUT_UNG": (_G, "CONTRL 0085=33", None),
    "UNZ01_COUNT": (_I, "CONTRL 0085=29", 1),
    "UNZ02_REF": (_I, "CONTRL 0085=28", 2),
    "UNZ_MISSING": (_I, "CONTRL 0085=13", None),
    "UNZ_WITHOUT_UNB": (_I, "CONTRL 0085=33", None),
    "UNB_MISSING": (_I, "no UNB, so no CONTRL possible", None),
    "ENVELOPE_MISSING": (_I, "no UNB, so no CONTRL possible", None),
    "UNB_UNREADABLE": (_I, "no CONTRL possible", None),
    "SYNTAX_UNSUPPORTED": (_I, "CONTRL 0085=2", 1),
}
_ISA_CODES: Final = (
    "010", "011", "012", "013", "005", "006", "007", "008", "014", "015", "016", "017", "018", "019", "020",
)  # fmt: skip
"""TA105 for each of ISA01 to ISA15."""
for _place, _code in enumerate(_ISA_CODES, start=1):
    _KNOWN[f"ISA{_place:02}_LENGTH"] = (_I, f"TA105={_code}", _place)


def edi_error(  # noqa: PLR0913 - keyword-only parts of one record
    code: str, segment: int, *, expected: str = "", found: str = "", tolerated: bool = False, unreadable: bool = False
) -> EdiError:
    """The error of a code, with the level and acknowledgement code that the standard assigns to it."""
    level, acknowledgement, element = _KNOWN[code]
    return EdiError(
        code=code, level=level, acknowledgement=acknowledgement, segment=segment, element=element, expected=expected,
        found=found, tolerated=tolerated, unreadable=unreadable,
    )  # fmt: skip
