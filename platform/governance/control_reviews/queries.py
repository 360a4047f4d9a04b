"""Queries of control reviews."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.control_reviews.findings import write_finding
from governance.control_reviews.schemas import ClientReviews, ControlFinding, ReviewRow, ReviewScheduleView, ReviewView
from governance.control_reviews.states import ReviewCadence, ReviewControl, ReviewState
from tenants.relations import CLIENTS

_NEWEST: Final = 50
_STATES: Final = {
    "": "r.state = 'open'",
    "overdue": "r.state = 'open' AND r.due_on < :today",
    "signed": "r.state = 'signed'",
    "any": "true",
}
_COLUMNS: Final = """r.id, r.scheduled_on, r.due_on, r.state, r.findings, r.collected_at, r.signed_at, r.signed_by,
    r.note"""


async def list_reviews(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[ReviewRow]:
    """One page of `control_reviews.lists`; in the fleet's scope."""
    shown, client, today = query.values.get("status", ""), query.values.get("client", ""), now.date()
    source = ListSource(
        columns=f"c.slug AS client, c.name AS client_name, {_COLUMNS}",
        tables=f"control_review r JOIN {CLIENTS} c ON c.tenant_id = r.tenant_id",
        where=f"r.msp_id = :m AND {_STATES[shown]}" + (" AND c.slug = :client" if client else ""),
        binds={
            "m": scope_of(session).msp_id,
            **({"today": today} if shown == "overdue" else {}),
            **({"client": client} if client else {}),
        },
    )
    return (await read_page(session, source, query)).map(lambda row: _row(row, today))


async def read_reviews(session: AsyncSession, *, today: date) -> ClientReviews:
    """Schedule and newest reviews of the scope's client."""
    t = {"t": scope_of(session).tenant_id}
    schedule = (
        await session.execute(
            text("""
                SELECT cadence, starts_on, days, next_on, changed_at, changed_by FROM control_review_schedule
                 WHERE tenant_id = :t
            """),
            t,
        )
    ).one_or_none()
    rows = await session.execute(
        text(f"SELECT {_COLUMNS} FROM control_review r WHERE tenant_id = :t ORDER BY scheduled_on DESC LIMIT :newest"),
        {**t, "newest": _NEWEST},
    )
    return ClientReviews(None if schedule is None else _schedule(schedule), [_view(row, today) for row in rows])


async def load_review(session: AsyncSession, review_id: UUID, *, today: date) -> ReviewView:
    """A review of the scope's client. Raises NotFound."""
    rows = await session.execute(
        text(f"SELECT {_COLUMNS} FROM control_review r WHERE tenant_id = :t AND id = :id"),
        {"t": scope_of(session).tenant_id, "id": review_id},
    )
    row = rows.one_or_none()
    if row is None:
        raise NotFound
    return _view(row, today)


def read_findings(stored: object) -> Sequence[ControlFinding]:
    return msgspec.convert(stored, list[ControlFinding])


def _schedule(row: Row[Any]) -> ReviewScheduleView:
    return ReviewScheduleView(
        cadence=ReviewCadence.of(row.cadence) if row.next_on is not None else None, starts_on=row.starts_on,
        days=row.days, next_on=row.next_on, changed_at=row.changed_at, changed_by=row.changed_by,
    )  # fmt: skip


def _view(row: Row[Any], today: date) -> ReviewView:
    return ReviewView(
        id=row.id, scheduled_on=row.scheduled_on, due_on=row.due_on, state=ReviewState.of(row.state),
        is_overdue=_is_overdue(row, today), findings=[write_finding(one) for one in read_findings(row.findings)],
        collected_at=row.collected_at, signed_at=row.signed_at, signed_by=row.signed_by or "", note=row.note or "",
    )  # fmt: skip


def _row(row: Row[Any], today: date) -> ReviewRow:
    unmet: list[ReviewControl] = [one.control for one in read_findings(row.findings) if not one.is_met]
    return ReviewRow(
        id=row.id, client=row.client, client_name=row.client_name, scheduled_on=row.scheduled_on, due_on=row.due_on,
        state=ReviewState.of(row.state), is_overdue=_is_overdue(row, today), unmet=unmet,
        collected_at=row.collected_at, signed_at=row.signed_at, signed_by=row.signed_by or "",
    )  # fmt: skip


def _is_overdue(row: Row[Any], today: date) -> bool:
    return bool(row.state == ReviewState.OPEN and row.due_on < today)
