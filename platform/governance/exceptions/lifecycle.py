"""Lifecycle of exceptions: opened with an explained severity; resolved automatically or by a person."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from foundation.audit.chain import append_audit
from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.i18n.messages import placeholders_of
from foundation.ids import NewId
from foundation.jobs.enqueue import set_timer
from foundation.marks import N_, Phrase
from foundation.text import clean_foreign_text
from governance.audit_actions import ExceptionAction
from governance.escalation_timer import watch_escalations
from governance.exceptions.models import GovernanceException
from governance.exceptions.notices import is_notified, notify_opened, notify_partners, unknown_among
from governance.exceptions.rows import NewException
from governance.exceptions.severity import price_impact, score
from governance.exceptions.states import EXCEPTIONS, IS_OPEN, ExceptionState
from governance.job_types import ESCALATE_EXCEPTIONS, TIMER_LANE
from governance.messages.catalogue import MESSAGES
from governance.records.keys import KEY_SET, key_binds, same_key, sorted_keys
from governance.webhook_events import EXCEPTION_CLOSED, EXCEPTION_OPENED, ClosedPayload, ExceptionPayload
from webhooks.emit import emit


class _Row(msgspec.Struct, frozen=True):
    id: UUID
    code: str
    subject: str
    message: str
    params: dict[str, Any]
    severity: int
    severity_factors: dict[str, Any]
    impact_amount: Decimal
    impact_currency: str | None
    state: ExceptionState
    record_key: str | None
    element: str | None
    dimension: str
    record_type: str
    connection_id: UUID | None
    change_id: UUID | None
    source_event_id: UUID | None
    opened_at: datetime
    seen_at: datetime
    correction_due_at: datetime
    correlation: str


_OPEN: Final = BulkWrite.insert(
    "governance_exception",
    {
        "id": "uuid", "code": "varchar", "subject": "varchar", "message": "varchar", "params": "jsonb",
        "severity": "smallint", "severity_factors": "jsonb", "impact_amount": "numeric",
        "impact_currency": "varchar", "state": "varchar", "record_key": "varchar",
        "element": "varchar", "dimension": "varchar", "record_type": "varchar", "connection_id": "uuid",
        "change_id": "uuid", "source_event_id": "uuid",
        "opened_at": "timestamptz", "seen_at": "timestamptz", "correction_due_at": "timestamptz",
        "correlation": "varchar",
    },
    conflict="""
        ON CONFLICT (tenant_id, code, subject) WHERE state = 'open' DO UPDATE SET
            occurrences = governance_exception.occurrences + 1, seen_at = excluded.seen_at,
            message = excluded.message, params = excluded.params,
            severity = greatest(governance_exception.severity, excluded.severity),
            impact_amount = excluded.impact_amount, impact_currency = excluded.impact_currency,
            change_id = excluded.change_id, source_event_id = excluded.source_event_id
        RETURNING code, subject, xmax = 0 AS is_new
    """,
)  # fmt: skip

CORRECTED: Final = "corrected"
"""`closed_by` of exceptions that were resolved automatically."""
_CORRECTED: Final = f"state = '{ExceptionState.RESOLVED}', closed_at = :now, closed_by = '{CORRECTED}'"


async def open_exceptions(
    session: AsyncSession, found: Sequence[NewException], *, now: datetime, new_id: NewId
) -> None:
    """Open exceptions, at most one per code and subject; repeats are counted and never restart the correction clock."""
    latest: dict[tuple[str, str], NewException] = {(item.code, item.subject): item for item in found}
    rows = [_row(latest[key], now, new_id) for key in sorted(latest)]
    wanted = [(row.code, row.subject) for row in rows if is_notified(row.code, row.severity)]
    unknown = await unknown_among(session, wanted)
    written = await _OPEN.execute(session, rows)
    is_new = {(row.code, row.subject): row.is_new for row in written}
    opened = [(row.id, row.subject, row.code) for row in rows if (row.code, row.subject) in unknown]
    notify_opened(session, opened, now)
    new = [(row.code, row.connection_id, row.record_key) for row in rows if is_new[row.code, row.subject]]
    await notify_partners(session, new, now)
    if rows:
        soonest = min(row.correction_due_at for row in rows)
        await set_timer(
            session, name=ESCALATE_EXCEPTIONS.name, lane=TIMER_LANE, job_type=ESCALATE_EXCEPTIONS, due_at=soonest
        )
        await watch_escalations(session, now)
    for row in rows:
        data = {"code": row.code, "severity": row.severity, "message": row.message, "params": _of_title(row)}
        append_audit(
            session, action=ExceptionAction.EXCEPTION_OPENED, subject=f"exception:{row.subject}", data=data, at=now
        )
        if is_new[row.code, row.subject]:
            _emit_opened(session, row, now)


def _row(item: NewException, now: datetime, new_id: NewId) -> _Row:
    key = item.key
    severity, factors = score(item.code, exposure=item.exposure, channels=item.channels)
    impact = price_impact(item.exposure)
    return _Row(
        id=new_id(),
        code=item.code,
        subject=clean_foreign_text(item.subject),
        message=item.message.code,
        params=item.message.params,
        severity=severity,
        severity_factors=factors,
        impact_amount=impact.number if impact else Decimal(0),
        impact_currency=impact.currency if impact else None,
        state=EXCEPTIONS.start(ExceptionState.OPEN),
        record_key=item.record_key if key is None else key.record_key,
        element=item.element if key is None else key.element,
        dimension="" if key is None else key.dimension,
        record_type=item.record_type if key is None else key.record_type,
        connection_id=item.connection_id,
        change_id=item.change_id,
        source_event_id=item.source_event_id,
        opened_at=now,
        seen_at=now,
        correction_due_at=now + _correction_time(item),
        correlation=item.correlation,
    )


def _of_title(row: _Row) -> dict[str, Any]:
    """Parameters of the title, the only ones that the audit trail shows."""
    return {name: row.params[name] for name in placeholders_of(MESSAGES[row.message].title)}


def _correction_time(item: NewException) -> timedelta:
    if item.correction_slo_ms is None:
        return item.code.correction
    return timedelta(milliseconds=item.correction_slo_ms)


async def auto_resolve(session: AsyncSession, code: str, subjects: Sequence[str], *, now: datetime) -> int:
    """Resolve exceptions whose cause has ended (late value visible, refused one superseded); stops the correction
    clock.
    """
    if not subjects:
        return 0
    scope = scope_of(session)
    rows = await session.execute(
        text(f"""
            UPDATE governance_exception SET {_CORRECTED}
             WHERE tenant_id = :t AND {IS_OPEN} AND code = :code AND subject = ANY (:subjects)
            RETURNING id, subject
        """),
        {"t": scope.tenant_id, "now": now, "code": code, "subjects": list(subjects)},
    )
    resolved = rows.all()
    for exception_id, subject in resolved:
        _emit_closed(session, exception_id, code, now)
        append_audit(
            session,
            action=ExceptionAction.EXCEPTION_CORRECTED,
            subject=f"exception:{subject}",
            data={"code": code},
            at=now,
        )
    return len(resolved)


async def auto_resolve_keys(
    session: AsyncSession,
    codes: Sequence[str],
    keys: Iterable[ElementKey],
    *,
    connection_id: UUID | None = None,
    now: datetime,
) -> None:
    """Resolve open exceptions about these records' elements, on one channel or without a channel."""
    wanted = sorted_keys(keys)
    if not wanted:
        return
    rows = await session.execute(
        text(f"""
            UPDATE governance_exception e SET {_CORRECTED}
             WHERE e.tenant_id = :t AND e.{IS_OPEN} AND e.id = ANY (ARRAY(
                   SELECT o.id FROM {KEY_SET},
                          LATERAL (SELECT o.id FROM governance_exception o
                                    WHERE o.tenant_id = :t AND {same_key("o", "k")}
                                      AND o.{IS_OPEN} AND o.code = ANY (:codes)
                                      AND (CAST(:connection_id AS uuid) IS NULL AND o.connection_id IS NULL
                                           OR o.connection_id = :connection_id)
                                   OFFSET 0) o))
            RETURNING e.id, e.code, e.subject
        """),
        {
            "t": scope_of(session).tenant_id,
            "now": now,
            "codes": list(codes),
            "connection_id": connection_id,
            **key_binds(wanted),
        },
    )
    for exception_id, code, subject in rows:
        _emit_closed(session, exception_id, code, now)
        append_audit(
            session,
            action=ExceptionAction.EXCEPTION_CORRECTED,
            subject=f"exception:{subject}",
            data={"code": code},
            at=now,
        )


async def resolve_of_connection(session: AsyncSession, connection_id: UUID, *, now: datetime) -> None:
    """Resolve all open exceptions about a connection that is deleted."""
    rows = await session.execute(
        text(f"""
            UPDATE governance_exception SET {_CORRECTED}
             WHERE tenant_id = :t AND {IS_OPEN} AND connection_id = :c
            RETURNING id, code, subject
        """),
        {"t": scope_of(session).tenant_id, "now": now, "c": connection_id},
    )
    for exception_id, code, subject in rows.all():
        _emit_closed(session, exception_id, code, now)
        append_audit(
            session,
            action=ExceptionAction.EXCEPTION_CORRECTED,
            subject=f"exception:{subject}",
            data={"code": code},
            at=now,
        )


async def get_exception(session: AsyncSession, exception_id: UUID, *, lock: bool = False) -> GovernanceException:
    """Return an exception. Raises NotFound."""
    query = select(GovernanceException).where(
        GovernanceException.tenant_id == scope_of(session).tenant_id, GovernanceException.id == exception_id
    )
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound
    return found


async def close_exception(session: AsyncSession, exception_id: UUID, *, state: ExceptionState, now: datetime) -> None:
    """Resolve or discard an exception for a person.

    Raises:
        NotFound: no such exception in this account.
        Conflict: the exception is already resolved or discarded.
    """
    found = await get_exception(session, exception_id, lock=True)
    if found.state != ExceptionState.OPEN:
        raise Conflict(
            N_("This exception is already {state}. Reload the page to see its state."),
            params={"state": Phrase(ExceptionState.of(found.state).label)},
        )
    found.state = EXCEPTIONS.move(found.state, state)
    found.closed_at, found.closed_by = now, scope_of(session).actor.name
    append_audit(
        session,
        action=ExceptionAction.of(f"exception.{state}"),
        subject=f"exception:{found.subject}",
        data={"code": found.code},
        at=now,
    )
    _emit_closed(session, found.id, found.code, now)


def _emit_opened(session: AsyncSession, row: _Row, now: datetime) -> None:
    payload = ExceptionPayload(
        row.id, row.code, row.severity, row.record_key, row.element, row.connection_id, row.change_id
    )
    emit(session, EXCEPTION_OPENED, subject=f"exceptions/{row.id}", payload=payload, at=now)


def _emit_closed(session: AsyncSession, exception_id: UUID, code: str, now: datetime) -> None:
    payload = ClosedPayload(exception_id, code)
    emit(session, EXCEPTION_CLOSED, subject=f"exceptions/{exception_id}", payload=payload, at=now)
