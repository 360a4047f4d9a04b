"""Rows of this slice's lists, for the tests of every list."""

from tests.governance.changes.list_samples import add_change
from tests.support.list_rows import ListSample, Matches, Rows


async def add_shown(rows: Rows, number: int) -> Matches:
    """Add a change whose value was read from the first channel."""
    matches = await add_change(rows, number)
    return {**matches, "channel": [str(next(iter(rows.env.channels.values())))]}


SAMPLES: dict[str, ListSample] = {
    "channel-changes": add_change,
    "channel-values": add_shown,
    "channel-products": add_shown,
}
