"""SQL of pushes and their settlement. Rows are looked up key by key, as in `governance.changes.repository`."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import ELEMENTS
from canonical.keys import ElementKey, FrozenKeyed
from canonical.values import Value, read_value
from connectors.relations import CONNECTIONS
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.i18n.messages import StoredMessage, encode_message
from governance.elements.selection import is_contract_of
from governance.messages.reasons import UNANSWERED, UNPROVEN
from governance.propagation.states import PROPAGATIONS, RUNNING, PropagationState
from governance.records.keys import (
    KEY_COLUMNS,
    KEY_TYPES,
    KEYS_OF_CONNECTIONS,
    key_binds,
    key_columns,
    key_of,
    same_key,
)
from governance.records.values import row_reader

_POLICY_REFERENCES: Final = {each.code: each.policy_reference for each in ELEMENTS.values() if each.policy_reference}
"""Elements whose approvals depend on the record's reference value, with the element of that."""


class Pending(FrozenKeyed, frozen=True, gc=False):
    """A propagation with the facts that decide whether it may still be sent."""

    change_id: UUID
    id: UUID
    partner_id: UUID | None
    value: Value
    version: int
    state: str
    attempts: int
    sent_at: datetime | None
    accepted_at: datetime | None
    correlation: str
    approved: bool  # approved by a person, so the data behind the approval must be unchanged
    source_unchanged: bool  # the source's current value is this one, at whichever version
    cost_unchanged: bool  # the cost is the one of the decision; both are loaded for approved values only
    superseded: bool  # a newer value is pending for, or was sent to, this channel; or the channel is now its source
    older: list[UUID]  # older changes of the same key with a running clock on this channel
    shown_value: Value | None
    released_at: datetime
    excluded: timedelta

    def took(self, now: datetime) -> timedelta:
        """Delivery time up to `now`."""
        return now - self.released_at - self.excluded


class Settled(msgspec.Struct, frozen=True, gc=False):
    """Result of one attempt of one propagation. `state` as in `governance.propagation.states`."""

    change_id: UUID
    state: str
    accepted_at: datetime | None = None
    verified_at: datetime | None = None
    read_value: Value | None = None
    previous_value: Value | None = None
    error: StoredMessage | None = None
    sent_at: datetime | None = None


class Moved(msgspec.Struct, frozen=True, gc=False):
    """A settled propagation.

    `troubled`: an exception may be open about it. `unproven`: it was accepted, or sent with its answer lost, so that
    buyers may have seen the value, and a newer one superseded it before the read-back. `partner_id`: the trading
    partner of its channel.
    """

    troubled: bool
    unproven: bool
    partner_id: UUID | None = None


class ShownValueRow(FrozenKeyed, frozen=True, gc=False):
    value: Value
    version: int
    change_id: UUID


_READ_PENDING: Final = row_reader(Pending)
_OWNED: Final = f"""
    (p.element = ANY (ARRAY(SELECT o.element FROM element_contract o
                             WHERE o.tenant_id = :t AND o.source_connection_id = :connection_id))
     AND EXISTS (SELECT 1 FROM element_contract own WHERE own.tenant_id = :t
                    AND own.source_connection_id = :connection_id AND {is_contract_of("own", "p")}))
"""
"""The array is read once per statement. Most channels own no element, so that no row needs a look-up of a contract."""
_PENDING: Final = text(f"""
    SELECT {key_columns("p")}, p.change_id, p.id, p.partner_id, p.value, p.version, p.state, p.attempts, p.sent_at,
           p.accepted_at, c.correlation, c.approval_id IS NOT NULL AND c.origin IN ('source', 'baseline'),
           c.approval_id IS NULL OR coalesce(source.value = p.value, false),
           c.approval_id IS NULL OR p.element <> ALL (:priced) OR cost.value IS NOT DISTINCT FROM c.cost_value,
           other.newer OR coalesce(shown.version, 0) > p.version OR {_OWNED}, other.older, shown.value,
           p.released_at, p.excluded
      FROM unnest(CAST(:ids AS uuid[])) AS k (id),
           LATERAL (SELECT * FROM propagation p WHERE p.tenant_id = :t AND p.change_id = k.id
                       AND p.connection_id = :connection_id OFFSET 0) p,
           LATERAL (SELECT * FROM change c WHERE c.tenant_id = :t AND c.id = k.id OFFSET 0) c,
           LATERAL (SELECT coalesce(bool_or(n.version > p.version), false) AS newer, coalesce(
                           array_agg(n.change_id) FILTER (WHERE n.version < p.version), '{{}}') AS older
                      FROM propagation n WHERE n.tenant_id = :t AND n.connection_id = :connection_id
                       AND {same_key("n", "p")} AND n.{RUNNING}) other
      LEFT JOIN LATERAL (SELECT v.source_value AS value FROM record_value v
                          WHERE c.approval_id IS NOT NULL AND v.tenant_id = :t AND {same_key("v", "p")}
                         OFFSET 0) source ON true
      LEFT JOIN LATERAL (SELECT o.value FROM record_value o
                          WHERE c.approval_id IS NOT NULL AND o.tenant_id = :t
                            AND o.record_key = p.record_key AND o.element = ANY (:references)
                            AND o.record_type = p.record_type AND o.value IS NOT NULL
                            AND o.dimension IN ('', substring(p.dimension FROM 'currency=[A-Z]+'))
                          ORDER BY o.dimension DESC LIMIT 1) cost ON true
      LEFT JOIN LATERAL (SELECT s.value, s.version FROM channel_value s WHERE s.tenant_id = :t
                            AND s.connection_id = :connection_id AND {same_key("s", "p")}
                         OFFSET 0) shown ON true
""")
"""The data behind an approval is looked up for approved values only, because no others are compared with it."""
_SETTLE: Final = BulkWrite(
    {
        "change_id": "uuid", "state": "varchar", "accepted_at": "timestamptz", "verified_at": "timestamptz",
        "read_value": "jsonb", "previous_value": "jsonb", "error": "jsonb", "sent_at": "timestamptz",
    },
    """
    WITH r AS MATERIALIZED (
        SELECT r.*, CASE WHEN r.state <> 'verified' THEN (
                   SELECT min(a.started_at) FROM propagation_attempt a
                    WHERE a.tenant_id = :tenant_id AND a.change_id = r.change_id AND a.connection_id = :connection_id
                      AND a.answered_at IS NULL) END AS begun_at
          FROM {rows} ORDER BY r.change_id
    )
    UPDATE propagation p SET state = r.state, attempts = p.attempts + 1,
           error = CASE WHEN r.state <> 'superseded' THEN r.error
                        WHEN p.accepted_at IS NOT NULL THEN CAST(:accepted AS jsonb)
                        WHEN coalesce(p.sent_at, r.begun_at) IS NOT NULL THEN CAST(:unanswered AS jsonb)
                        ELSE r.error END,
           sent_at = coalesce(p.sent_at, r.begun_at, r.sent_at),
           breached = CASE WHEN r.state = 'verified' THEN r.verified_at > p.slo_due_at ELSE p.breached END,
           accepted_at = coalesce(p.accepted_at, r.accepted_at), verified_at = r.verified_at,
           read_value = coalesce(r.read_value, p.read_value),
           previous_value = coalesce(p.previous_value, r.previous_value)
      FROM r WHERE p.tenant_id = :tenant_id AND p.msp_id = :msp_id AND p.connection_id = :connection_id
       AND p.change_id = r.change_id AND p.change_id = ANY (ARRAY(SELECT change_id FROM r))
       AND (p.state = :was OR r.state = 'superseded' AND p.{running})
    RETURNING p.change_id, p.partner_id, old.breached OR old.error IS NOT NULL AS troubled,
              r.state = 'superseded' AND coalesce(old.accepted_at, old.sent_at, r.begun_at) IS NOT NULL AS unproven
    """.replace("{running}", RUNNING),
)  # fmt: skip
"""`r` is in the order of the changes, so that the update locks in it. `old` is the row that was locked."""
_SHOW: Final = BulkWrite(
    {
        **KEY_TYPES, "value": "jsonb", "version": "bigint", "change_id": "uuid",
    },
    f"""
    INSERT INTO channel_value (tenant_id, msp_id, connection_id, {KEY_COLUMNS}, partner_id, value, version, change_id,
                               seen_at)
    SELECT :tenant_id, :msp_id, :connection_id, {key_columns("r")},
           (SELECT n.partner_id FROM {CONNECTIONS} n WHERE n.tenant_id = :tenant_id AND n.id = :connection_id),
           r.value, r.version, r.change_id, :now
      FROM {{rows}} ORDER BY {key_columns("r")}
    ON CONFLICT (tenant_id, connection_id, {KEY_COLUMNS}) DO UPDATE SET value = excluded.value,
        version = excluded.version, change_id = excluded.change_id, seen_at = excluded.seen_at,
        partner_id = excluded.partner_id
    WHERE channel_value.version <= excluded.version
    """,
)  # fmt: skip


async def load_pending(
    session: AsyncSession, connection_id: UUID, change_ids: Sequence[UUID | None]
) -> dict[UUID, Pending]:
    """Load propagations by change id. Only a newer propagation to this channel supersedes, not one to others; and a
    contract by which the channel has become the value's source of truth.
    """
    rows = await session.execute(
        _PENDING,
        {
            "t": scope_of(session).tenant_id, "connection_id": connection_id, "ids": list(change_ids),
            "priced": sorted(_POLICY_REFERENCES), "references": sorted(set(_POLICY_REFERENCES.values())),
        },
    )  # fmt: skip
    return {row.change_id: _READ_PENDING(row) for row in rows}


async def settle_propagations(
    session: AsyncSession, connection_id: UUID, rows: Sequence[Settled], *, was: str
) -> dict[UUID, Moved]:
    """Settle propagations still in state `was`; `superseded` applies to all running ones. Locks in change order.

    An attempt that a dead worker left without an answer counts as sent.

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
    return {row.change_id: Moved(row.troubled, row.unproven, row.partner_id) for row in settled}


async def show_values(
    session: AsyncSession, connection_id: UUID, rows: Sequence[ShownValueRow], *, now: datetime
) -> None:
    """Store the values read on the channel; never an older version over a newer one."""
    latest = {row.key: row for row in sorted(rows, key=lambda row: row.version)}
    await _SHOW.execute(session, list(latest.values()), connection_id=connection_id, now=now)


async def reopen_propagation(session: AsyncSession, change_id: UUID, connection_id: UUID) -> str | None:
    """Reset an accepted, refused or failed propagation to pending, for a replay by a person.

    An earlier acceptance stays recorded as `sent_at`, because the time limit for its read-back starts again.

    Returns the new state; None when there is no such propagation.
    """
    row = await session.execute(
        text(f"""
            WITH locked AS (
                SELECT state FROM propagation WHERE tenant_id = :t AND change_id = :change
                   AND connection_id = :connection FOR UPDATE
            ), reopened AS (
                UPDATE propagation p
                   SET state = '{PropagationState.PENDING}', sent_at = coalesce(p.sent_at, p.accepted_at),
                       accepted_at = NULL FROM locked
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
            "again": [state.value for state in PROPAGATIONS.before(PropagationState.PENDING)],
        },
    )
    state: str | None = row.scalar()
    return state


async def load_sent(
    session: AsyncSession, keys: Collection[tuple[UUID, ElementKey]], *, since: datetime
) -> dict[tuple[UUID, ElementKey], frozenset[Value]]:
    """Load the newest few values sent to each (connection, key) since then."""
    ordered = sorted(keys)
    rows = await session.execute(
        text(f"""
            SELECT k.connection_id, {key_columns("k")}, p.value
              FROM {KEYS_OF_CONNECTIONS},
                   LATERAL (SELECT c.id FROM change c WHERE c.tenant_id = :t AND {same_key("c", "k")}
                               AND c.state = 'released' ORDER BY c.version DESC LIMIT 10) c,
                   LATERAL (SELECT * FROM propagation p WHERE p.tenant_id = :t AND p.change_id = c.id
                               AND p.connection_id = k.connection_id
                               AND (greatest(p.sent_at, p.accepted_at, p.verified_at) > :since OR EXISTS (
                                   SELECT 1 FROM propagation_attempt a WHERE a.tenant_id = :t
                                      AND a.change_id = p.change_id AND a.connection_id = p.connection_id
                                      AND a.answered_at IS NULL AND a.started_at > :since)) OFFSET 0) p
        """),
        {
            "t": scope_of(session).tenant_id,
            "connections": [connection for connection, _ in ordered],
            **key_binds(key for _, key in ordered),
            "since": since,
        },
    )
    found: dict[tuple[UUID, ElementKey], set[Value]] = {}
    for row in rows:
        found.setdefault((row.connection_id, key_of(row)), set()).add(read_value(row.value))
    return {key: frozenset(values) for key, values in found.items()}
