"""SQL of pushes and their settlement. Rows are looked up key by key, as in `governance.changes.repository`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import COST
from canonical.values import Value
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.i18n.messages import StoredMessage, encode_message
from governance.messages.reasons import UNANSWERED, UNPROVEN
from governance.propagation import states
from governance.propagation.states import RUNNING

Key = tuple[str, str]


class Pending(msgspec.Struct, frozen=True, gc=False):
    """A propagation with the facts that decide whether it may still be sent."""

    change_id: UUID
    id: UUID
    partner_id: UUID | None
    record_key: str
    element: str
    amount: int
    currency: str
    version: int
    state: str
    attempts: int
    sent_at: datetime | None
    accepted_at: datetime | None
    correlation: str
    approved: bool  # approved by a person, so the data behind the approval must be unchanged
    source_holds: bool  # the source's current value is this one, at whichever version
    cost_holds: bool
    superseded: bool  # a newer value is pending for, or was sent to, this channel
    older: list[UUID]  # older changes of the same record and element with a running clock on this channel
    shown_amount: int | None
    shown_currency: str | None
    released_at: datetime
    excluded: timedelta

    def took(self, now: datetime) -> timedelta:
        """Delivery time up to `now`."""
        return now - self.released_at - self.excluded

    @property
    def value(self) -> Value:
        return Value(self.amount, self.currency)


class Settled(msgspec.Struct, frozen=True, gc=False):
    """Result of one attempt of one propagation. `state` as in `governance.propagation.states`."""

    change_id: UUID
    state: str
    accepted_at: datetime | None = None
    verified_at: datetime | None = None
    read_amount: int | None = None
    previous_amount: int | None = None
    previous_currency: str | None = None
    error: StoredMessage | None = None
    sent_at: datetime | None = None


class Moved(msgspec.Struct, frozen=True, gc=False):
    """A settled propagation.

    `troubled`: an exception may be open about it. `unproven`: it was accepted, or sent with its answer lost, so that
    buyers may have seen the value, and a newer one superseded it before the read-back.
    """

    troubled: bool
    unproven: bool


class ShownValueRow(msgspec.Struct, frozen=True, gc=False):
    record_key: str
    element: str
    partner_id: UUID | None
    amount: int
    currency: str
    version: int
    change_id: UUID


_SETTLE: Final = BulkWrite(
    {
        "change_id": "uuid", "state": "varchar", "accepted_at": "timestamptz", "verified_at": "timestamptz",
        "read_amount": "bigint", "previous_amount": "bigint", "previous_currency": "varchar", "error": "jsonb",
        "sent_at": "timestamptz",
    },
    """
    WITH r AS MATERIALIZED (SELECT * FROM {rows}), locked AS MATERIALIZED (
        SELECT p.change_id, p.breached OR p.error IS NOT NULL AS troubled,
               r.state = 'superseded' AND coalesce(p.accepted_at, p.sent_at) IS NOT NULL AS unproven,
               p.accepted_at IS NOT NULL AS accepted FROM r, propagation p
         WHERE p.tenant_id = :tenant_id AND p.msp_id = :msp_id AND p.connection_id = :connection_id
           AND p.change_id = r.change_id AND p.change_id = ANY (ARRAY(SELECT change_id FROM r))
           AND (p.state = :was OR r.state = 'superseded' AND p.{running})
         ORDER BY p.change_id FOR UPDATE OF p
    )
    UPDATE propagation p SET state = r.state, attempts = p.attempts + 1,
           error = CASE WHEN locked.unproven AND locked.accepted THEN CAST(:accepted AS jsonb)
                        WHEN locked.unproven THEN CAST(:unanswered AS jsonb)
                        ELSE r.error END,
           sent_at = coalesce(p.sent_at, r.sent_at),
           breached = CASE WHEN r.state = 'verified' THEN r.verified_at > p.slo_due_at ELSE p.breached END,
           accepted_at = coalesce(p.accepted_at, r.accepted_at), verified_at = r.verified_at,
           read_amount = coalesce(r.read_amount, p.read_amount),
           previous_amount = coalesce(p.previous_amount, r.previous_amount),
           previous_currency = coalesce(p.previous_currency, r.previous_currency)
      FROM r JOIN locked USING (change_id) WHERE p.tenant_id = :tenant_id AND p.msp_id = :msp_id
       AND p.connection_id = :connection_id AND p.change_id = r.change_id
       AND p.change_id = ANY (ARRAY(SELECT change_id FROM r))
    RETURNING p.change_id, locked.troubled, locked.unproven
    """.replace("{running}", RUNNING),
)  # fmt: skip
_SHOW: Final = BulkWrite(
    {
        "record_key": "varchar", "element": "varchar", "partner_id": "uuid", "amount": "bigint", "currency": "varchar",
        "version": "bigint", "change_id": "uuid",
    },
    """
    INSERT INTO channel_value (tenant_id, msp_id, connection_id, record_key, element, partner_id, amount, currency,
                               version, change_id, seen_at)
    SELECT :tenant_id, :msp_id, :connection_id, r.record_key, r.element, r.partner_id, r.amount, r.currency, r.version,
           r.change_id, :now FROM {rows} ORDER BY r.record_key, r.element
    ON CONFLICT (tenant_id, connection_id, record_key, element) DO UPDATE SET amount = excluded.amount,
        currency = excluded.currency, version = excluded.version, change_id = excluded.change_id,
        seen_at = excluded.seen_at, partner_id = excluded.partner_id
    WHERE channel_value.version <= excluded.version
    """,
)  # fmt: skip


async def load_pending(
    session: AsyncSession, connection_id: UUID, change_ids: Sequence[UUID | None]
) -> dict[UUID, Pending]:
    """Load propagations by change id. Only a newer propagation to this channel supersedes, not one to others."""
    rows = await session.execute(
        text(f"""
            SELECT p.change_id, p.id, p.partner_id, p.record_key, p.element, p.amount, p.currency, p.version, p.state,
                   p.attempts, p.sent_at, p.accepted_at, c.correlation,
                   c.approval_id IS NOT NULL AND c.origin IN ('source', 'baseline'),
                   v.source_amount = p.amount AND v.source_currency = p.currency,
                   cost.amount IS NOT DISTINCT FROM c.cost_amount,
                   other.newer OR coalesce(shown.version, 0) > p.version, other.older, shown.amount, shown.currency,
                   p.released_at, p.excluded
              FROM unnest(CAST(:ids AS uuid[])) AS k (id),
                   LATERAL (SELECT * FROM propagation p WHERE p.tenant_id = :t AND p.change_id = k.id
                               AND p.connection_id = :connection_id OFFSET 0) p,
                   LATERAL (SELECT * FROM change c WHERE c.tenant_id = :t AND c.id = k.id OFFSET 0) c,
                   LATERAL (SELECT * FROM record_value v WHERE v.tenant_id = :t AND v.record_key = p.record_key
                               AND v.element = p.element OFFSET 0) v,
                   LATERAL (SELECT coalesce(bool_or(n.version > p.version), false) AS newer, coalesce(
                                   array_agg(n.change_id) FILTER (WHERE n.version < p.version), '{{}}') AS older
                              FROM propagation n WHERE n.tenant_id = :t AND n.connection_id = :connection_id
                               AND n.record_key = p.record_key AND n.element = p.element AND n.{RUNNING}) other
              LEFT JOIN LATERAL (SELECT o.amount FROM record_value o WHERE o.tenant_id = :t
                                    AND o.record_key = p.record_key AND o.element = :cost OFFSET 0) cost ON true
              LEFT JOIN LATERAL (SELECT s.amount, s.currency, s.version FROM channel_value s WHERE s.tenant_id = :t
                                    AND s.connection_id = :connection_id AND s.record_key = p.record_key
                                    AND s.element = p.element OFFSET 0) shown ON true
        """),
        {"t": scope_of(session).tenant_id, "connection_id": connection_id, "ids": list(change_ids), "cost": COST},
    )
    return {row.change_id: Pending(*row) for row in rows}


async def settle_propagations(
    session: AsyncSession, connection_id: UUID, rows: Sequence[Settled], *, was: str
) -> dict[UUID, Moved]:
    """Settle propagations still in state `was`; `superseded` applies to all running ones. Locks in change order.

    Returns the changes that moved. An exception may be open about them: their clock may have run out during the call
    to the channel.
    """
    settled = await _SETTLE.execute(
        session,
        rows,
        connection_id=connection_id,
        was=was,
        accepted=encode_message(UNPROVEN.fill()),
        unanswered=encode_message(UNANSWERED.fill()),
    )
    return {row.change_id: Moved(row.troubled, row.unproven) for row in settled}


async def show_values(
    session: AsyncSession, connection_id: UUID, rows: Sequence[ShownValueRow], *, now: datetime
) -> None:
    """Store the values read on the channel; never an older version over a newer one."""
    latest = {(row.record_key, row.element): row for row in sorted(rows, key=lambda row: row.version)}
    await _SHOW.execute(session, list(latest.values()), connection_id=connection_id, now=now)


async def reopen_propagation(session: AsyncSession, change_id: UUID, connection_id: UUID) -> str | None:
    """Reset an accepted, refused or failed propagation to pending, for a replay by a person.

    An earlier acceptance stays recorded as `sent_at`, because the time limit for its read-back starts again.

    Returns the new state; None when there is no such propagation.
    """
    row = await session.execute(
        text("""
            WITH locked AS (
                SELECT state FROM propagation WHERE tenant_id = :t AND change_id = :change
                   AND connection_id = :connection FOR UPDATE
            ), reopened AS (
                UPDATE propagation p
                   SET state = 'pending', sent_at = coalesce(p.sent_at, p.accepted_at), accepted_at = NULL FROM locked
                 WHERE p.tenant_id = :t AND p.change_id = :change AND p.connection_id = :connection
                   AND locked.state = ANY (:again)
                RETURNING p.state
            )
            SELECT coalesce((SELECT state FROM reopened), (SELECT state FROM locked))
        """),
        {
            "t": scope_of(session).tenant_id,
            "change": change_id,
            "connection": connection_id,
            "again": [states.ACCEPTED, states.REFUSED, states.FAILED],
        },
    )
    state: str | None = row.scalar()
    return state


async def load_sent(
    session: AsyncSession, keys: Collection[tuple[UUID, Key]], *, since: datetime
) -> dict[tuple[UUID, Key], frozenset[Value]]:
    """Load the newest few values sent to each (connection, (record key, element)) since then."""
    ordered = sorted(keys)
    rows = await session.execute(
        text("""
            SELECT k.connection_id, k.record_key, k.element, p.amount, p.currency
              FROM unnest(CAST(:connections AS uuid[]), CAST(:keys AS varchar[]), CAST(:elements AS varchar[]))
                       AS k (connection_id, record_key, element),
                   LATERAL (SELECT c.id FROM change c WHERE c.tenant_id = :t AND c.record_key = k.record_key
                               AND c.element = k.element AND c.state = 'released' ORDER BY c.version DESC LIMIT 10) c,
                   LATERAL (SELECT * FROM propagation p WHERE p.tenant_id = :t AND p.change_id = c.id
                               AND p.connection_id = k.connection_id
                               AND greatest(p.sent_at, p.accepted_at, p.verified_at) > :since OFFSET 0) p
        """),
        {
            "t": scope_of(session).tenant_id,
            "connections": [connection for connection, _ in ordered],
            "keys": [key for _, (key, _) in ordered],
            "elements": [element for _, (_, element) in ordered],
            "since": since,
        },
    )
    found: dict[tuple[UUID, Key], set[Value]] = {}
    for row in rows:
        found.setdefault((row.connection_id, (row.record_key, row.element)), set()).add(Value(row.amount, row.currency))
    return {key: frozenset(values) for key, values in found.items()}
