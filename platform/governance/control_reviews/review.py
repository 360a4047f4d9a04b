"""Use cases of a client's control reviews: schedule, opening, evidence and signature. In the client's account."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.ids import NewId
from foundation.jobs.repair import ensure_timer
from foundation.marks import N_
from foundation.reasons import clean_reason
from governance.control_reviews.audit_actions import ReviewAction
from governance.control_reviews.dates import next_day
from governance.control_reviews.errors import EvidenceChanged, ReviewSigned
from governance.control_reviews.job_types import COLLECT_EVIDENCE, LANE
from governance.control_reviews.notices import REVIEW_OPENED, REVIEW_OVERDUE
from governance.control_reviews.queries import read_findings
from governance.control_reviews.schemas import ControlFinding, ReviewScheduleInput, SignInput
from governance.control_reviews.states import REVIEWS, ReviewCadence, ReviewState
from governance.inputs import check_text
from tenants.notifications.notify import notify

_FIRST_DAY: Final = date(2020, 1, 1)
_END: Final = date(2100, 1, 1)
_PATH: Final = "/control-reviews"


async def set_schedule(session: AsyncSession, wanted: ReviewScheduleInput, *, now: datetime) -> None:
    """Raises InvalidInput: a day that is too far away."""
    scope, today = scope_of(session), now.date()
    starts_on = wanted.starts_on or today
    if not _FIRST_DAY <= starts_on < _END:
        raise InvalidInput(N_("Enter a day between 2020 and 2099."), field="starts_on")
    next_on = None if wanted.cadence is None else next_day(starts_on, wanted.cadence, since=today)
    await session.execute(
        text("""
            INSERT INTO control_review_schedule
                   (tenant_id, msp_id, cadence, starts_on, days, next_on, changed_at, changed_by)
            VALUES (:t, :m, :cadence, :starts_on, :days, :next_on, :now, :by)
                ON CONFLICT (tenant_id) DO UPDATE SET cadence = excluded.cadence, starts_on = excluded.starts_on,
                   days = excluded.days, next_on = excluded.next_on, changed_at = excluded.changed_at,
                   changed_by = excluded.changed_by
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "cadence": str(wanted.cadence or ""), "starts_on": starts_on,
            "days": wanted.days, "next_on": next_on, "now": now, "by": scope.actor.name,
        },
    )  # fmt: skip
    data = {"cadence": str(wanted.cadence or ""), "starts_on": starts_on.isoformat(), "days": wanted.days}
    append_audit(session, action=ReviewAction.REVIEW_SCHEDULED, subject=f"client:{scope.tenant_id}", data=data, at=now)
    await watch_reviews(session, now)


async def watch_reviews(session: AsyncSession, now: datetime) -> None:
    """Schedule the collection of evidence if a review is to be opened or became overdue; a duty of
    `foundation.jobs.repair`.
    """
    is_due = await session.scalar(
        text("""
            SELECT EXISTS (SELECT 1 FROM control_review_schedule WHERE tenant_id = :t AND next_on <= :today)
                OR EXISTS (SELECT 1 FROM control_review
                            WHERE tenant_id = :t AND state = 'open' AND due_on < :today AND overdue_at IS NULL)
        """),
        {"t": scope_of(session).tenant_id, "today": now.date()},
    )
    if is_due:
        await request_evidence(session, now=now)


async def request_evidence(session: AsyncSession, *, now: datetime) -> None:
    """Schedule the collection of the evidence of open reviews."""
    await ensure_timer(session, name=COLLECT_EVIDENCE.name, lane=LANE, job_type=COLLECT_EVIDENCE, due_at=now)


async def record_evidence(
    session: AsyncSession, findings: Sequence[ControlFinding], *, now: datetime, new_id: NewId
) -> None:
    """Open the review that is due, renew the findings of open ones, and notify about overdue ones."""
    stored = msgspec.json.encode(findings).decode()
    await _open_due(session, stored, now=now, new_id=new_id)
    rows = await session.execute(
        text("""
            UPDATE control_review SET findings = CAST(:findings AS jsonb), collected_at = :now
             WHERE tenant_id = :t AND state = 'open'
            RETURNING id, due_on, overdue_at
        """),
        {"t": scope_of(session).tenant_id, "findings": stored, "now": now},
    )
    overdue = sorted((row.due_on, row.id) for row in rows if row.due_on < now.date() and row.overdue_at is None)
    if not overdue:
        return
    await session.execute(
        text("UPDATE control_review SET overdue_at = :now WHERE tenant_id = :t AND id = ANY (:ids)"),
        {"t": scope_of(session).tenant_id, "now": now, "ids": [one for _, one in overdue]},
    )
    notify(
        session, REVIEW_OVERDUE, topic="control_reviews", path=_PATH, at=now, number=len(overdue),
        params={"day": overdue[-1][0].isoformat()},
    )  # fmt: skip


async def _open_due(session: AsyncSession, stored: str, *, now: datetime, new_id: NewId) -> None:
    scope, today = scope_of(session), now.date()
    schedule = (
        await session.execute(
            text("""
                SELECT cadence, starts_on, days, next_on FROM control_review_schedule
                 WHERE tenant_id = :t AND next_on <= :today FOR UPDATE
            """),
            {"t": scope.tenant_id, "today": today},
        )
    ).one_or_none()
    if schedule is None:
        return
    review_id, due_on = new_id(), today + timedelta(days=schedule.days)
    made = await session.scalar(
        text("""
            INSERT INTO control_review
                   (tenant_id, msp_id, id, scheduled_on, due_on, state, findings, collected_at)
            VALUES (:t, :m, :id, :on, :due, :state, CAST(:findings AS jsonb), :now)
                ON CONFLICT (tenant_id, scheduled_on) DO NOTHING RETURNING id
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": review_id, "on": schedule.next_on, "due": due_on,
            "state": REVIEWS.start(ReviewState.OPEN), "findings": stored, "now": now,
        },
    )  # fmt: skip
    later = next_day(schedule.starts_on, ReviewCadence.of(schedule.cadence), since=today + timedelta(days=1))
    await session.execute(
        text("UPDATE control_review_schedule SET next_on = :next WHERE tenant_id = :t"),
        {"t": scope.tenant_id, "next": later},
    )
    if made is None:
        return
    append_audit(
        session, action=ReviewAction.REVIEW_OPENED, subject=f"control_review:{review_id}",
        data={"scheduled_on": schedule.next_on.isoformat(), "due_on": due_on.isoformat()}, at=now,
    )  # fmt: skip
    notify(
        session, REVIEW_OPENED, topic="control_reviews", path=f"{_PATH}/{review_id}", at=now,
        params={"day": due_on.isoformat()},
    )  # fmt: skip


async def sign_review(session: AsyncSession, review_id: UUID, wanted: SignInput, *, now: datetime) -> None:
    """Sign a review of the scope's client; its evidence is fixed from then on.

    Raises:
        NotFound: no such review.
        ReviewSigned: somebody has signed it.
        EvidenceChanged: its evidence was collected again since it was read.
        InvalidInput: a control is not met, and no note gives a reason; or the note is malformed.
    """
    scope = scope_of(session)
    rows = await session.execute(
        text("""
            SELECT state, findings, collected_at FROM control_review WHERE tenant_id = :t AND id = :id FOR UPDATE
        """),
        {"t": scope.tenant_id, "id": review_id},
    )
    review = rows.one_or_none()
    if review is None:
        raise NotFound
    if review.state == ReviewState.SIGNED:
        raise ReviewSigned(N_("Its page shows who signed it, and when."))
    if wanted.collected_at is not None and wanted.collected_at != review.collected_at:
        raise EvidenceChanged(N_("It was collected again meanwhile. Read it, and sign then."))
    unmet = [str(one.control) for one in read_findings(review.findings) if not one.is_met]
    note = clean_reason(wanted.note, field="note") if unmet else check_text(wanted.note, "note")
    REVIEWS.move(review.state, ReviewState.SIGNED)
    await session.execute(
        text("""
            UPDATE control_review SET state = :state, signed_at = :now, signed_by = :by, signed_by_id = :by_id,
                   note = :note
             WHERE tenant_id = :t AND id = :id
        """),
        {
            "t": scope.tenant_id, "id": review_id, "state": ReviewState.SIGNED, "now": now, "by": scope.actor.name,
            "by_id": scope.actor.responsible_member_id, "note": note,
        },
    )  # fmt: skip
    data: dict[str, object] = {"unmet": unmet, "collected_at": review.collected_at.isoformat()}
    if note:
        data["note"] = note
    append_audit(session, action=ReviewAction.REVIEW_SIGNED, subject=f"control_review:{review_id}", data=data, at=now)
