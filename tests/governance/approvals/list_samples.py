"""Rows of this slice's lists, for the tests of every list."""

from tests.support.list_rows import ListSample, Matches, Rows


async def add_approval(rows: Rows, number: int) -> Matches:
    await rows.sample.awaiting(rows.name(number), 1000, 2000 + number)
    return {"status": ["pending"]}


SAMPLES: dict[str, ListSample] = {"approvals": add_approval}
