"""Rows of this slice's lists, for the tests of every list."""

from canonical.elements import PRICE
from governance.changes.queries import ANY
from tests.support.list_rows import ListSample, Matches, Rows, time_matches


async def add_change(rows: Rows, number: int) -> Matches:
    channel, name = next(iter(rows.env.channels)), rows.name(number)
    state = "released" if number % 2 else "refused"
    states = {channel: "verified"} if number % 2 else {channel: "refused"}
    days = number % 5 + 1
    await rows.sample.change(name, 1000 + number, 1040, state=state, states=states, currency="USD", at=86_400 * days)
    return {
        "search": [name], "status": [state], "element": [PRICE], "key": [name], "record": [name, f"{name}*"],
        "dimension": [ANY], "record_type": ["product"], **time_matches(days),
    }  # fmt: skip


SAMPLES: dict[str, ListSample] = {"changes": add_change}
TESTED_ELSEWHERE = {"attempts": "tests/controlplane/test_canary.py: its address names a change"}
