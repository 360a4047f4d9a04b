"""Collecting and writing what came of a batch on one channel: states, shown values, usage, audit, corrections."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from connectors.port import ChannelReading
from foundation.audit.chain import note
from foundation.lanes.work import NewWork
from foundation.usage.ledger import Usage, record_usage
from governance import kinds
from governance.channel_store import Pending, Settled, Shown, settle_propagations, show_values
from governance.exceptions import resolve_corrected
from governance.planning import DEFAULT_CORRECTION_MS
from governance.rows import NewException
from governance.wording import name_subject


@dataclass(slots=True)
class Outcome:
    connection_id: UUID
    now: datetime
    settled: list[Settled] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    seen: list[Pending] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)
    exceptions: list[NewException] = field(default_factory=list)
    looks: list[NewWork] = field(default_factory=list)

    def verified(self, p: Pending, reading: ChannelReading) -> None:
        """The value was read back: its clock stops, it is metered, and what was open about it is corrected."""
        self.settled.append(
            Settled(
                p.change_id, "verified", self.now, self.now, None if reading.value is None else reading.value.amount,
                p.shown_amount, p.shown_currency,
            )
        )  # fmt: skip
        self.shown.append(Shown(p.record_key, p.element, p.partner_id, p.amount, p.currency, p.version, p.change_id))
        self.seen.append(p)

    def accepted(self, p: Pending, reading: ChannelReading | None) -> None:
        """The channel said yes and shows something else: no proof, so the clock keeps running."""
        read = None if reading is None or reading.value is None else reading.value.amount
        self.settled.append(
            Settled(
                p.change_id, "accepted", self.now, None, read, p.shown_amount, p.shown_currency,
                "Accepted by the channel, not visible yet.",
            )
        )  # fmt: skip


async def write_outcome(session: AsyncSession, outcome: Outcome) -> None:
    late = await settle_propagations(session, outcome.connection_id, outcome.settled)
    await show_values(session, outcome.connection_id, outcome.shown, now=outcome.now)
    record_usage(session, [Usage(kinds.METER_VERIFIED, p.id, 1, outcome.now) for p in outcome.seen])
    seen_late = [late_subject(p.change_id, outcome.connection_id) for p in outcome.seen if p.change_id in late]
    await resolve_corrected(session, "propagation.late", [*outcome.corrected, *seen_late], now=outcome.now)
    verified = [f"{p.change_id}:{outcome.connection_id}" for p in outcome.seen]
    await resolve_corrected(session, "propagation.refused", verified, now=outcome.now)
    for p in outcome.seen:
        note(
            session,
            correlation=p.correlation,
            action="propagation.verified",
            subject=f"change:{p.change_id}",
            data={"connection": str(outcome.connection_id), "read": p.amount, "version": p.version},
            at=outcome.now,
        )


def late_subject(change_id: UUID, connection_id: UUID) -> str:
    return f"{change_id}:{connection_id}"


def propagation_exception(code: str, p: Pending, connection_id: UUID, detail: str) -> NewException:
    title = {
        "propagation.refused": "A channel will not take a value",
        "propagation.late": "A channel does not show an approved value in time",
    }[code]
    return NewException(
        code=code,
        subject=late_subject(p.change_id, connection_id),
        title=title,
        detail=f"{name_subject(p.element, p.record_key)}: {detail}",
        correction_slo_ms=DEFAULT_CORRECTION_MS,
        exposure_minor=p.amount - (p.shown_amount or 0),
        channels=1,
        record_key=p.record_key,
        element=p.element,
        connection_id=connection_id,
        change_id=p.change_id,
        correlation=p.correlation,
    )


def stale_exception(p: Pending, connection_id: UUID) -> NewException:
    return NewException(
        code="approval.stale",
        subject=str(p.change_id),
        title="What was approved is no longer what would be sent",
        detail=f"{name_subject(p.element, p.record_key)} changed in the source after it was approved. It was not sent; "
        "the newer value has its own decision.",
        correction_slo_ms=DEFAULT_CORRECTION_MS,
        exposure_minor=p.amount - (p.shown_amount or 0),
        channels=1,
        record_key=p.record_key,
        element=p.element,
        connection_id=connection_id,
        change_id=p.change_id,
        correlation=p.correlation,
    )
