"""Rows of this slice's lists, for the tests of every list."""

from governance.exception_types import ExceptionType
from tests.support.list_rows import ListSample, Matches, Rows


async def add_exception(rows: Rows, number: int) -> Matches:
    """Every other exception is about a price."""
    code = ExceptionType.CHANGE_REFUSED if number % 2 else ExceptionType.SOURCE_QUARANTINED
    record = rows.name(number) if number % 2 else None
    await rows.sample.exception(code, rows.name(number), exposure=number % 3 * 900, at=300 + number % 2, record=record)
    return {
        "status": ["open"], "code": [code], "domain": ["price" if number % 2 else "none"],
        "owner": ["Pricing"] if number % 2 else [],
    }  # fmt: skip


SAMPLES: dict[str, ListSample] = {"exceptions": add_exception}
