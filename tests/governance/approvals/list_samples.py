"""Rows of this slice's lists, for the tests of every list."""

from tests.governance.assignments.assigned import assign_every_third
from tests.support.list_rows import ListSample, Matches, Rows


async def add_approval(rows: Rows, number: int) -> Matches:
    change = await rows.sample.awaiting(rows.name(number), 1000, 2000 + number)
    return {"status": ["pending"], "assigned": await assign_every_third(rows, number, change)}


SAMPLES: dict[str, ListSample] = {"approvals": add_approval}
