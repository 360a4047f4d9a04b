"""Settlement of a batch on one channel: states, read values, usage, audit, exceptions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.values import Value
from connectors.ports import ChannelReading
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.i18n.messages import MessageText, StoredMessage
from foundation.jobs.enqueue import NewJob, enqueue, set_timer
from foundation.jobs.types import JobType, NoPayload
from foundation.usage.ledger import Usage, record_usage
from governance import job_types
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve, open_exceptions
from governance.exceptions.notices import notify_partner
from governance.exceptions.rows import Exposure, NewException
from governance.messages import exceptions as messages
from governance.messages import reasons
from governance.messages.parameters import about
from governance.notices import CHANNEL_UPDATED
from governance.propagation import states
from governance.propagation.audit_actions import DeliveryAction
from governance.propagation.meters import VERIFIED_DELIVERIES
from governance.propagation.repository import Moved, Pending, Settled, ShownValueRow, settle_propagations, show_values
from governance.propagation.states import PROPAGATIONS, PropagationState
from governance.services import GovernanceServices
from governance.webhook_events import CHANGE_PUBLISHED, PublishedPayload
from webhooks.emit import emit

FIRST_READ_SECONDS: Final = 0.1
DRIFT_SCAN_EVERY: Final = timedelta(minutes=5)
_MESSAGES: Final = {
    ExceptionType.PROPAGATION_REFUSED: messages.PROPAGATION_REFUSED,
    ExceptionType.PROPAGATION_FAILED: messages.PROPAGATION_FAILED,
    ExceptionType.PROPAGATION_UNREADABLE: messages.PROPAGATION_UNREADABLE,
    ExceptionType.APPROVAL_STALE: messages.PROPAGATION_STALE,
}
_ABOUT_CHANNEL: Final = (
    ExceptionType.PROPAGATION_SLO_BREACHED,
    ExceptionType.PROPAGATION_REFUSED,
    ExceptionType.PROPAGATION_FAILED,
    ExceptionType.PROPAGATION_UNREADABLE,
    ExceptionType.APPROVAL_STALE,
)


class TimerName(TypedDict):
    name: str
    lane: str
    job_type: JobType[NoPayload]


@dataclass(slots=True)
class Settlement:
    """Compare-and-set: only propagations still in state `was` are settled (see `states`)."""

    connection_id: UUID
    was: PropagationState
    now: datetime
    settled: dict[UUID, Settled] = field(default_factory=dict)
    seen: list[Pending] = field(default_factory=list)
    exceptions: list[NewException] = field(default_factory=list)
    jobs: list[NewJob[Any]] = field(default_factory=list)

    def verified(self, p: Pending) -> None:
        """Verified by read-back: stops the clock, meters the delivery, resolves open exceptions about the value."""
        self._settle(p, PropagationState.VERIFIED, accepted_at=self.now, verified_at=self.now, read_value=p.value)
        self.seen.append(p)

    def accepted(self, p: Pending, reading: ChannelReading | None) -> None:
        """Accepted, but another value is shown: no proof, so the clock keeps running and a verify job follows."""
        read = None if reading is None else reading.value
        error = reasons.NOT_VISIBLE.fill()
        if reading is not None and reading.unreadable:
            error = reasons.NOT_EXACT.fill(shown=reading.unreadable)
            self.exceptions.append(
                propagation_exception(ExceptionType.PROPAGATION_UNREADABLE, p, self.connection_id, error)
            )
        self._settle(p, PropagationState.ACCEPTED, accepted_at=self.now, read_value=read, error=error)
        self.jobs.append(_verify_job(p, self.connection_id))

    def unanswered(self, p: Pending, detail: MessageText) -> None:
        """Sent with a possible effect but without an answer; stays pending."""
        self.settled[p.change_id] = Settled(
            p.change_id, PropagationState.PENDING, error=detail.message, sent_at=self.now
        )

    def send_again(self, p: Pending) -> None:
        """Send an accepted, invisible value again: the channel may have lost it. The idempotency key makes it safe."""
        self._settle(p, PropagationState.PENDING, error=reasons.SENT_AGAIN.fill())
        self.jobs.append(push_job(p.change_id, self.connection_id, p.key, p.correlation))

    def stopped(self, p: Pending, state: PropagationState, code: ExceptionType, why: MessageText) -> None:
        """Stop with `state`, one of `states.STOPPED`. The clock keeps running, and an exception is opened."""
        self._settle(p, state, error=why.message)
        self.exceptions.append(propagation_exception(code, p, self.connection_id, why.message))

    def has_stopped(self, change_id: UUID) -> bool:
        return change_id in self.settled and self.settled[change_id].state in states.STOPPED

    def held(self, p: Pending) -> None:
        """Mark the approval stale: the value is current, the data behind its approval is not; enqueues a redecision."""
        self._settle(p, PropagationState.STALE_APPROVAL, error=reasons.COST_CHANGED.fill())
        self.jobs.append(redecide_job(p.change_id, self.connection_id, p.key, p.correlation))

    def superseded(self, change_id: UUID) -> None:
        self.settled[change_id] = Settled(change_id, PropagationState.SUPERSEDED)

    def _settle(  # noqa: PLR0913 - the parts of one settlement
        self,
        p: Pending,
        state: PropagationState,
        *,
        accepted_at: datetime | None = None,
        verified_at: datetime | None = None,
        read_value: Value | None = None,
        error: StoredMessage | None = None,
    ) -> None:
        for change_id in p.older:
            self.superseded(change_id)
        self.settled[p.change_id] = Settled(
            p.change_id, PROPAGATIONS.move(self.was, state), accepted_at, verified_at, read_value, p.shown_value, error
        )


async def write_settlement(session: AsyncSession, services: GovernanceServices, settlement: Settlement) -> None:
    """Write a settlement and its consequences, for propagations still in the state they were loaded in."""
    connection_id, now = settlement.connection_id, settlement.now
    moved = await settle_propagations(session, connection_id, list(settlement.settled.values()), was=settlement.was)
    seen = [p for p in settlement.seen if p.change_id in moved]
    await show_values(session, connection_id, [shown(p) for p in seen], now=now)
    if seen:
        await schedule_drift_scan(session, connection_id, now=now, jitter=services.jitter)
    record_usage(session, [Usage(VERIFIED_DELIVERIES.name, p.id, 1, now, p.change_id) for p in seen])
    done = {p.change_id for p in seen} | {
        id_ for id_, s in settlement.settled.items() if s.state == PropagationState.SUPERSEDED
    }
    corrected = [late_subject(change_id, connection_id) for change_id in sorted(done) if _is_troubled(moved, change_id)]
    for code in _ABOUT_CHANNEL:
        await auto_resolve(session, code, corrected, now=now)
    found = [exception for exception in settlement.exceptions if exception.change_id in moved]
    await open_exceptions(session, found, now=now, new_id=services.new_id)
    enqueue(session, [job for job in settlement.jobs if job.ref in moved])
    _note_unproven(session, services, connection_id, moved, now=now)
    if seen:
        services.metrics.delivered(scope_of(session).tenant_id, connection_id, [p.took(now) for p in seen])
        partner_id = moved[seen[0].change_id].partner_id  # of the channel, so the same for all
        if partner_id is not None:
            records = [p.key.record_key for p in seen]
            notify_partner(session, CHANNEL_UPDATED, partner_id, connection_id, records, now)
    for p in seen:
        append_audit(
            session,
            correlation=p.correlation,
            action=DeliveryAction.PROPAGATION_VERIFIED,
            subject=f"change:{p.change_id}",
            data={"connection": str(connection_id), "read": msgspec.to_builtins(p.value), "version": p.version},
            at=now,
        )
        payload = PublishedPayload(p.change_id, connection_id, *p.key, p.value)
        emit(session, CHANGE_PUBLISHED, subject=f"changes/{p.change_id}", payload=payload, at=now)


def _is_troubled(moved: Mapping[UUID, Moved], change_id: UUID) -> bool:
    return change_id in moved and moved[change_id].troubled


def _note_unproven(
    session: AsyncSession,
    services: GovernanceServices,
    connection_id: UUID,
    moved: Mapping[UUID, Moved],
    *,
    now: datetime,
) -> None:
    """Count and audit values that buyers may have seen without a read-back.

    Such values are neither verified nor billed; the count helps to explain a channel's own log.
    """
    for change_id in sorted(change_id for change_id, what in moved.items() if what.unproven):
        services.metrics.unproven(scope_of(session).tenant_id, connection_id)
        data = {"connection": str(connection_id)}
        append_audit(
            session, action=DeliveryAction.PROPAGATION_UNPROVEN, subject=f"change:{change_id}", data=data, at=now
        )


async def schedule_drift_scan(
    session: AsyncSession, connection_id: UUID, *, now: datetime, jitter: Callable[[], float]
) -> None:
    """Schedule the scan in 0.5 to 1.5 times DRIFT_SCAN_EVERY, to spread the channels; never later than already set."""
    await set_timer(session, **drift_scan_timer(connection_id), due_at=now + DRIFT_SCAN_EVERY * (0.5 + jitter()))


def drift_scan_timer(connection_id: UUID) -> TimerName:
    """Timer name of one channel's drift scan."""
    return TimerName(
        name=f"{job_types.SCAN_DRIFT.name}/{connection_id}",
        lane=job_types.verify_lane(connection_id),
        job_type=job_types.SCAN_DRIFT,
    )


def shown(p: Pending) -> ShownValueRow:
    return ShownValueRow(*p.key, p.value, p.version, p.change_id)


def push_job(change_id: UUID, connection_id: UUID, key: ElementKey, correlation: str) -> NewJob[NoPayload]:
    """A push job; its key keeps the values of one key in order."""
    lane = job_types.push_lane(connection_id)
    return NewJob(lane, job_types.PUSH, key.joined("|"), ref=change_id, correlation=correlation)


def redecide_job(change_id: UUID, connection_id: UUID, key: ElementKey, correlation: str) -> NewJob[job_types.Redecide]:
    payload = job_types.Redecide(connection_id)
    return NewJob(
        job_types.REDECIDE_LANE, job_types.REDECIDE, key.joined("|"), ref=change_id, payload=payload,
        correlation=correlation,
    )  # fmt: skip


def _verify_job(p: Pending, connection_id: UUID) -> NewJob[job_types.VerifyValues]:
    """A verify job for the attempt being settled; verify jobs of earlier attempts are void."""
    return NewJob(
        job_types.verify_lane(connection_id),
        job_types.VERIFY,
        str(p.change_id),
        ref=p.change_id,
        payload=job_types.VerifyValues(attempt=p.attempts + 1),
        delay=FIRST_READ_SECONDS,
        correlation=p.correlation,
    )


def late_subject(change_id: UUID, connection_id: UUID) -> str:
    return f"{change_id}:{connection_id}"


def propagation_exception(code: ExceptionType, p: Pending, connection_id: UUID, why: StoredMessage) -> NewException:
    return NewException(
        code=code,
        subject=late_subject(p.change_id, connection_id),
        message=_MESSAGES[code].fill(**about(p.key), reason=why),
        exposure=Exposure(p.shown_value, p.value),
        channels=1,
        key=p.key,
        connection_id=connection_id,
        change_id=p.change_id,
        correlation=p.correlation,
    )
