"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from tests.support.list_rows import ListSample, Matches, Rows


async def add_source_event(rows: Rows, number: int) -> Matches:
    sample = rows.sample
    sample.source = await sample.connection(rows.name(number), kind="sandbox-erp")
    await sample.event(b"{}", at=0)
    return {"connection": [str(sample.source)], "via": ["webhook"], "since": [utc_now().date().isoformat()]}


SAMPLES: dict[str, ListSample] = {"source-events": add_source_event}
