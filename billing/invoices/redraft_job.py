"""Job that computes a client's open drafts again, for changes that are not usage: coupons, credits, fees."""

from sqlalchemy import text

from billing.errors import PeriodClosed
from billing.invoices.draft import draft_invoice
from billing.periods import Period, month_of
from billing.sides import Side
from billing.states import OPEN
from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.database.savepoint import savepoint
from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.state_machine import in_sql


def redraft_handler(clock: Clock) -> Handler[NoPayload]:
    async def draft_again(batch: Batch[NoPayload]) -> None:
        now = clock()
        async with batch.commit() as session:
            rows = await session.execute(_OPEN, {"tenant": scope_of(session).tenant_id})
            periods = {Period(row.period_start, row.period_end) for row in rows}
            for period in sorted(periods | {month_of(now)}):
                try:
                    async with savepoint(session):
                        await draft_invoice(session, side=Side.RETAIL, period=period, now=now)
                except PeriodClosed:  # the current month, if closed already
                    continue

    return draft_again


_OPEN = text(f"""
    SELECT period_start, period_end FROM invoice
     WHERE tenant_id = :tenant AND side = 'retail' AND state IN ({in_sql(OPEN)})
""")
