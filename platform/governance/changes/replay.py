"""Replay of the source event, or of the sending of the released change, behind an exception."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from connectors.translation.job_type import TRANSLATE, TranslateEvents, ingest_lane
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_, Phrase
from governance.audit_actions import ExceptionAction
from governance.errors import NothingToReplay
from governance.exception_types import ExceptionType, is_of_channel
from governance.exceptions.lifecycle import get_exception
from governance.exceptions.models import GovernanceException
from governance.exceptions.states import EXCEPTIONS, ExceptionState
from governance.job_types import PUSH, REDECIDE, REDECIDE_LANE, Redecide, push_lane
from governance.propagation.repository import reopen_propagation
from governance.propagation.states import PropagationState
from governance.records.claims import drop_other_claims


async def replay_exception(session: AsyncSession, exception_id: UUID, *, now: datetime) -> None:
    """Replay the source event, or send the released change again.

    Raises:
        NotFound, Conflict: as `close_exception`.
        NothingToReplay: the exception has neither a source event nor a released change.
    """
    found = await get_exception(session, exception_id, lock=True)
    if found.state != ExceptionState.OPEN:
        raise Conflict(
            N_("This exception is already {state}. Reload the page to see its state."),
            params={"state": Phrase(ExceptionState.of(found.state).label)},
        )
    job: NewJob[Any]
    if is_of_channel(found.code, found.change_id, found.connection_id, found.source_event_id):
        job = await _send_again(session, found)
    elif found.source_event_id is not None and found.connection_id is not None:
        if found.code == ExceptionType.SOURCE_DUPLICATE_KEY and found.record_key is not None:
            await drop_other_claims(
                session,
                found.connection_id,
                found.record_key,
                keep=found.source_event_id,
                record_type=found.record_type,
            )
        lane = ingest_lane(found.connection_id)
        key = str(found.connection_id)
        any_version = _key_of(found).joined("|") if found.code == ExceptionType.SOURCE_STALE else None
        payload = TranslateEvents(any_version=any_version)
        job = NewJob(lane, TRANSLATE, key, ref=found.source_event_id, payload=payload, correlation=found.correlation)
    else:
        raise NothingToReplay(N_("This exception is corrected at its source and cannot be replayed."))
    enqueue(session, [job])
    data = {"code": found.code}
    append_audit(
        session, action=ExceptionAction.EXCEPTION_REPLAYED, subject=f"exception:{found.subject}", data=data, at=now
    )
    if job.job_type is TRANSLATE:
        found.state = EXCEPTIONS.move(found.state, ExceptionState.RESOLVED)
        found.closed_at, found.closed_by = now, scope_of(session).actor.name


async def _send_again(session: AsyncSession, found: GovernanceException) -> NewJob[Any]:
    """Reopen the propagation; the exception stays open until the value is read back."""
    change_id, connection_id = found.change_id, found.connection_id
    if change_id is None or connection_id is None:
        raise NothingToReplay(N_("Nothing was sent to a channel."))
    state = await reopen_propagation(session, change_id, connection_id)
    key = _key_of(found).joined("|")
    if state == PropagationState.PENDING:
        return NewJob(push_lane(connection_id), PUSH, key, ref=change_id, correlation=found.correlation)
    if state == PropagationState.STALE_APPROVAL or (
        state == PropagationState.VERIFIED and found.code == ExceptionType.CHANNEL_DRIFT
    ):
        payload = Redecide(connection_id)
        return NewJob(REDECIDE_LANE, REDECIDE, key, ref=change_id, payload=payload, correlation=found.correlation)
    raise NothingToReplay(N_("The value has become visible or was replaced in the meantime. Resolve this exception."))


def _key_of(found: GovernanceException) -> ElementKey:
    return ElementKey(found.record_key or "", found.element or "", found.dimension, found.record_type)
