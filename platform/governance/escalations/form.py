"""The form of a ladder: a row of fields for each step."""

from collections.abc import Mapping, Sequence
from typing import Final

from foundation.errors import InvalidInput
from foundation.marks import N_
from governance.escalations.schemas import MOST_STEPS, EscalationStep, EscalationSubject

FIELDS: Final = ("about", "after", "unit", "role", "least_severity")
UNITS: Final = {"minutes": (1, N_("minutes")), "hours": (60, N_("hours")), "days": (24 * 60, N_("days"))}
_NO_STEP: Final = "none"
_BLANK: Final = {"about": _NO_STEP, "after": "", "unit": "hours", "role": "", "least_severity": "0"}
_MORE: Final = 2
"""Empty rows after the last step."""
Row = Mapping[str, str]


def typed_rows(columns: Sequence[Sequence[str]]) -> list[Row]:
    """The typed rows, without empty ones. `columns`: the values of each of `FIELDS`."""
    rows = [dict(zip(FIELDS, values, strict=True)) for values in zip(*columns, strict=False)]
    return [row for row in rows if row["about"] not in {"", _NO_STEP}]


def rows_of(steps: Sequence[EscalationStep]) -> list[Row]:
    return [_row(step) for step in steps]


def with_blanks(rows: Sequence[Row]) -> list[Row]:
    return [*rows, *(_BLANK for _ in range(min(_MORE, MOST_STEPS - len(rows))))]


def parse_rows(rows: Sequence[Row]) -> list[EscalationStep]:
    """Parse the rows as steps. Raises InvalidInput."""
    return [_step(row) for row in rows]


def _row(step: EscalationStep) -> Row:
    unit, (minutes, _) = next((name, one) for name, one in reversed(UNITS.items()) if step.after_minutes % one[0] == 0)
    after = str(step.after_minutes // minutes)
    return {
        "about": step.about, "after": after, "unit": unit, "role": step.role,
        "least_severity": str(step.least_severity),
    }  # fmt: skip


def _step(row: Row) -> EscalationStep:
    if row["about"] not in set(EscalationSubject):
        raise InvalidInput(N_("Choose what the step is about."), field="about")
    minutes = UNITS.get(row["unit"], UNITS["hours"])[0]
    severity = _number(row["least_severity"] or "0", 100)
    about = EscalationSubject.of(row["about"])
    return EscalationStep(
        "approval" if about is EscalationSubject.APPROVAL else "exception", _number(row["after"], 100_000) * minutes,
        row["role"], severity,
    )  # fmt: skip


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most):
        raise InvalidInput(N_("Enter whole numbers: a time, and a severity from 0 to 100."), field="after")
    return int(text)
