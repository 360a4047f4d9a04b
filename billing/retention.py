"""Retention of usage. Invoices are kept for good; their lines can be shown down to each usage event."""

from typing import Final
from uuid import UUID

from billing.payments.states import EventState
from billing.states import FIXED, OPEN
from foundation.marks import N_
from foundation.relations import USAGE_EVENTS
from foundation.retention import DataClass, RetainedTable
from foundation.state_machine import in_sql
from foundation.usage.ledger import hour_of

_EARLIER: Final = f"recording_id <> '{UUID(int=0)}'"
"""Roll-ups of usage from before roll-ups existed have no time, so they are kept."""


def _is_open(more: str) -> str:
    """SQL: the event `u` is on no closed invoice, neither by itself nor with its roll-up."""
    return f"""(NOT EXISTS (
                SELECT 1 FROM rated_usage r JOIN closed i ON i.id = r.invoice_id {more}
                 WHERE r.tenant_id = :t AND r.meter = u.meter AND r.usage_id = u.id)
            AND NOT EXISTS (
                SELECT 1 FROM rated_rollup r JOIN closed i ON i.id = r.invoice_id {more}
                 WHERE r.tenant_id = :t AND r.meter = u.meter AND r.recording_id = u.recording_id
                   AND r.hour = {hour_of("u.occurred_at")} AND r.line_id IS NOT NULL))"""


# Everything is kept from the first unbilled event on: an event not on a closed invoice of each side with a price book,
# or, where there is no book, of any side. Reconciliation then finds all events in question.
_UNINVOICED: Final = f"""
    WITH side AS (SELECT DISTINCT side FROM price_book WHERE msp_id = :m),
         closed AS (SELECT id, side FROM invoice WHERE tenant_id = :t AND state IN ({in_sql(FIXED)}))
    SELECT u.id FROM {USAGE_EVENTS} u
     WHERE u.tenant_id = :t AND u.id < :before
       AND (EXISTS (SELECT 1 FROM side s WHERE {_is_open("AND i.side = s.side")}) OR {_is_open("")})
     ORDER BY u.id LIMIT 1
"""
_IN_DRAFTS: Final = f"""
    SELECT r.usage_id FROM (
        SELECT tenant_id, usage_id, invoice_id FROM rated_usage
         UNION ALL SELECT tenant_id, first_id, invoice_id FROM rated_rollup WHERE line_id IS NOT NULL) r
      JOIN invoice i ON i.tenant_id = r.tenant_id AND i.id = r.invoice_id
     WHERE r.tenant_id = :t AND r.usage_id < :before AND i.state IN ({in_sql(OPEN)})
     ORDER BY r.usage_id LIMIT 1
"""
# Closed periods of a year and a month can be reconciled and examined, down to each event.
_CLOSED_PERIODS: Final = 400

RETAINED: Final = (
    DataClass(
        "usage", N_("Usage events"), N_("Metered usage and its price. Kept at least until its invoice is closed."),
        (
            # Usage goes before its rating rows: a run between two batches would otherwise charge it again.
            RetainedTable("usage_event", "id", partitioned=True),
            RetainedTable("rated_usage", "usage_id", partitioned=True),
            RetainedTable("usage_rollup", "recording_id", closed=_EARLIER),
            RetainedTable("rated_rollup", "recording_id", closed=_EARLIER),
            RetainedTable("voided_usage", "first_id"),
            RetainedTable("reported_usage", "id"),
        ),
        default_days=3653, least_days=_CLOSED_PERIODS, floors=(_UNINVOICED, _IN_DRAFTS),
    ),
    # Longer than Stripe lists events, so that the nightly sweep stores none again.
    DataClass(
        "payment_events", N_("Payment events"), N_("Webhooks of the payment provider as received, once applied."),
        (RetainedTable("payment_event", "received_at", by_time=True, closed=f"state <> '{EventState.PENDING}'"),),
        default_days=400, least_days=60,
    ),
)  # fmt: skip
