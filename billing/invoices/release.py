"""Release of a voided invoice's usage: it can be charged again, and the voided lines still link to it."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.steps import Issued
from billing.sides import as_rater
from foundation.database.engine import scope_of
from foundation.relations import USAGE_EVENTS
from foundation.usage.ledger import hour_of


async def release_usage(session: AsyncSession, invoice: Issued) -> None:
    """Release the usage of a voided invoice: it is rated again on the next open draft, with the allowance of its own
    month. The voided lines keep a reference to it.
    """
    keys = {"tenant": scope_of(session).tenant_id, "side": invoice.side.value, "invoice": invoice.id}
    async with as_rater(session):
        for release in _RELEASE:
            await session.execute(release, keys)


_VOIDED = """INSERT INTO voided_usage (tenant_id, msp_id, line_id, recording_id, hour, first_id, last_id, first_at,
                                      last_at, side)"""
_RELEASE = (
    text(f"""
        WITH gone AS (
            DELETE FROM rated_usage WHERE tenant_id = :tenant AND side = :side AND invoice_id = :invoice RETURNING *)
        {_VOIDED}
        SELECT g.tenant_id, g.msp_id, g.line_id, u.recording_id, {hour_of("u.occurred_at")}, u.id, u.id, u.occurred_at,
               u.occurred_at, g.side
          FROM gone g JOIN {USAGE_EVENTS} u ON u.tenant_id = g.tenant_id AND u.meter = g.meter AND u.id = g.usage_id
    """),
    # A roll-up without a line is kept: it marks events that are rated one by one, also the next time.
    text(f"""
        WITH gone AS (
            DELETE FROM rated_rollup
             WHERE tenant_id = :tenant AND side = :side AND invoice_id = :invoice AND line_id IS NOT NULL RETURNING *)
        {_VOIDED}
        SELECT tenant_id, msp_id, line_id, recording_id, hour, first_id, last_id, first_at, last_at, side FROM gone
    """),
)
