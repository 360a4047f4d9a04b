"""Rows of this slice's lists, for the tests of every list."""

from governance.exception_types import ExceptionType
from governance.exceptions.rows import Exposure
from governance.exceptions.severity import score
from governance.labels import level_of
from tests.governance.assignments.assigned import assign_every_third
from tests.support.list_rows import ListSample, Matches, Rows, time_matches
from tests.support.values import minor


async def add_exception(rows: Rows, number: int) -> Matches:
    """Every other exception is about a price."""
    code = ExceptionType.CHANGE_REFUSED if number % 2 else ExceptionType.SOURCE_QUARANTINED
    record = rows.name(number) if number % 2 else None
    days, exposure = number % 2 + 1, number % 3 * 900
    made = await rows.sample.exception(code, rows.name(number), exposure=exposure, at=86_400 * days, record=record)
    return {
        "status": ["open"], "code": [code], "domain": ["price" if number % 2 else "none"],
        "level": [level_of(score(code, exposure=Exposure(None, minor(exposure)), channels=0)[0])],
        **time_matches(days),
        "owner": ["Pricing"] if number % 2 else [], "assigned": await assign_every_third(rows, number, made),
    }  # fmt: skip


SAMPLES: dict[str, ListSample] = {"exceptions": add_exception}
