"""Delivery attempts: a row for each value of each push, written before the request is sent, completed with its answer.

A worker that dies between sending and recording leaves a row without an answer: the value was possibly shown. The rows
of a batch are one statement in the transaction that loads it. That transaction commits without waiting for the disk: a
worker's death loses nothing, because the server writes its log within a second, and so does every later commit that
waits. Only a crash of the database server within that time loses the rows. Then the job is still in its lane, so the
value is sent again under its idempotency key, recorded again and read back, or a newer value is; what buyers see is
verified either way. Waiting would cost each change on an idle system a write to disk.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import Value
from connectors.calls import CallFacts
from connectors.ports import ChannelReading, WriteResult, WriteState
from foundation.database.bulk import BulkWrite
from foundation.i18n.messages import MessageText, StoredMessage
from foundation.ids import NewId
from governance.propagation.repository import Pending


class NewAttempt(msgspec.Struct, frozen=True, gc=False):
    change_id: UUID
    id: UUID
    record_key: str
    element: str
    sent: Value
    is_retry: bool
    started_at: datetime


class AttemptAnswer(msgspec.Struct, frozen=True, gc=False):
    """The channel's answer. `status_code` is that of the last HTTP response, None when there was none; `bytes` are
    those of the request's bodies, shared by all of its values; `read` was read back directly afterwards.
    """

    change_id: UUID
    id: UUID
    answered_at: datetime
    outcome: str
    status_code: int | None
    detail: StoredMessage | None
    retry_after: float | None
    duration_ms: int
    bytes: int
    read: Value | None


@dataclass(slots=True)
class PushAttempt:
    """Answers of the channel by change id. `unsent` were blocked by our own limits."""

    begun: Mapping[UUID, UUID] = field(default_factory=dict)  # ids of the attempts' rows
    results: dict[UUID, WriteResult] = field(default_factory=dict)
    unsent: set[UUID] = field(default_factory=set)
    spent: set[UUID] = field(default_factory=set)  # subset of `unsent`: retries beyond their budget
    readings: dict[UUID, ChannelReading] = field(default_factory=dict)
    calls: dict[UUID, AttemptAnswer] = field(default_factory=dict)
    unread: MessageText | None = None  # why the channel did not answer the reading of accepted values

    def is_in_vain(self, pending: Mapping[UUID, Pending]) -> bool:
        """Whether the channel accepted no value and shows none of them."""
        shown = any(reading.value == pending[change_id].value for change_id, reading in self.readings.items())
        return bool(self.results) and not shown and all(r.state is WriteState.RETRY for r in self.results.values())

    def record_call(self, sent: Sequence[Pending], http: CallFacts, *, now: datetime) -> None:
        """Record the answer to `sent`, unless it was never sent."""
        took = http.duration_ms
        for p in sent:
            result = self.results[p.change_id]
            if p.change_id not in self.unsent or result.uncertain:
                self.calls[p.change_id] = AttemptAnswer(
                    p.change_id, self.begun[p.change_id], now, result.state, http.status_code,
                    result.detail.message if result.detail else None, result.retry_after, took, http.bytes,
                    None,
                )  # fmt: skip


class _Withdrawn(msgspec.Struct, frozen=True, gc=False):
    change_id: UUID
    id: UUID


_NEW: Final = {
    "change_id": "uuid", "id": "uuid", "record_key": "varchar", "element": "varchar", "sent": "jsonb",
    "is_retry": "boolean", "started_at": "timestamptz",
}  # fmt: skip
_BEGIN: Final = BulkWrite(
    _NEW,
    f"""
    WITH unwaited AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
    INSERT INTO propagation_attempt (tenant_id, msp_id, connection_id, {", ".join(_NEW)})
    SELECT :tenant_id, :msp_id, :connection_id, {", ".join(f"r.{name}" for name in _NEW)} FROM unwaited, {{rows}}
    """,
)
_MINE: Final = """a.tenant_id = :tenant_id AND a.msp_id = :msp_id AND a.connection_id = :connection_id
       AND a.change_id = r.change_id AND a.id = r.id AND a.change_id = ANY (ARRAY(SELECT change_id FROM r))"""
_COMPLETE: Final = BulkWrite(
    {
        "change_id": "uuid", "id": "uuid", "answered_at": "timestamptz", "outcome": "varchar",
        "status_code": "smallint", "detail": "jsonb", "retry_after": "real", "duration_ms": "integer",
        "bytes": "integer", "read": "jsonb",
    },
    f"""
    WITH r AS MATERIALIZED (SELECT * FROM {{rows}})
    UPDATE propagation_attempt a SET answered_at = r.answered_at, outcome = r.outcome, status_code = r.status_code,
           detail = r.detail, retry_after = r.retry_after, duration_ms = r.duration_ms, bytes = r.bytes, read = r.read
      FROM r WHERE {_MINE}
    """,
)  # fmt: skip
_WITHDRAW: Final = BulkWrite(
    {"change_id": "uuid", "id": "uuid"},
    f"WITH r AS MATERIALIZED (SELECT * FROM {{rows}}) DELETE FROM propagation_attempt a USING r WHERE {_MINE}",
)


async def begin_attempts(  # noqa: PLR0913 - keyword-only parts of one mark
    session: AsyncSession,
    connection_id: UUID,
    to_send: Sequence[Pending],
    *,
    retried: frozenset[UUID | None],
    now: datetime,
    new_id: NewId,
) -> dict[UUID, UUID]:
    """Mark values as about to be sent. Returns the attempts' ids by change id."""
    rows = [
        NewAttempt(p.change_id, new_id(), p.record_key, p.element, p.value, p.change_id in retried, now)
        for p in to_send
    ]
    await _BEGIN.execute(session, rows, connection_id=connection_id)
    return {row.change_id: row.id for row in rows}


async def complete_attempts(
    session: AsyncSession, connection_id: UUID, attempt: PushAttempt, repeated: AbstractSet[UUID | None] = frozenset()
) -> None:
    """Record the answers. Values that our own limits blocked were never sent, so their rows are removed. In an outage,
    `repeated` attempts that certainly had no effect leave no rows either: each value would have one for every second.
    """
    answers = {}
    for change_id, call in attempt.calls.items():
        reading = attempt.readings.get(change_id)
        if change_id not in repeated or attempt.results[change_id].uncertain:
            answers[change_id] = replace(call, read=None if reading is None else reading.value)
    await _COMPLETE.execute(session, list(answers.values()), connection_id=connection_id)
    withdrawn = [_Withdrawn(change_id, id_) for change_id, id_ in attempt.begun.items() if change_id not in answers]
    await _WITHDRAW.execute(session, withdrawn, connection_id=connection_id)
