"""Rows of this slice's lists, for the tests of every list."""

from billing.usage.meters import create_meter
from billing.usage.report import report_usage
from billing.usage.schemas import NewMeter, UsageEventInput
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.usage.meters import Meters
from tests.support.list_rows import ListSample, Matches, Rows


async def add_reported_usage(rows: Rows, number: int) -> Matches:
    code, source, event_id = f"{rows.tag}{number:03}", rows.name(number), rows.name(number)
    used = UsageEventInput(id=event_id, meter=code, occurred_at=utc_now(), dimensions={rows.tag: rows.name(number)})
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_meter(session, Meters([]), NewMeter(code, rows.name(number), rows.tag), now=utc_now())
    async with rows.db.transaction(rows.env.scope) as session:
        await report_usage(session, source, [used], now=utc_now(), new_id=new_id)
    return {"meter": [code], "source": [source], "event_id": [event_id], "show": []}


SAMPLES: dict[str, ListSample] = {"reported-usage": add_reported_usage}
