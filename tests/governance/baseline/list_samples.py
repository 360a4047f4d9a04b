"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.baseline.models import Baseline
from tests.support.list_rows import ListSample, Rows


async def add_baseline(rows: Rows, number: int) -> None:
    now = utc_now()
    await rows.sample.add(
        Baseline(
            **rows.own,
            id=new_id(),
            state="discarded",
            started_at=now,
            started_by=rows.name(number),
            decided_at=now,
            decided_by=rows.name(number),
        )
    )


SAMPLES: dict[str, ListSample] = {"baselines": add_baseline}
TESTED_ELSEWHERE = {"compared-values": "tests/governance/baseline/test_pages.py: its address names a baseline"}
