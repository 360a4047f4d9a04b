"""Dead letters: failed jobs, listed for members to replay or discard."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.audit.own_actions import DeadLetterAction
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.jobs.enqueue import StoredJob, enqueue_stored
from foundation.jobs.models import DeadLetter
from foundation.jobs.states import DEAD_LETTERS, DeadLetterState
from foundation.marks import N_, Phrase

_TAKE: Final = text(f"""
    UPDATE dead_letter SET noticed_at = :now
     WHERE tenant_id = :t AND state = '{DeadLetterState.OPEN}' AND noticed_at IS NULL
    RETURNING kind
""")


async def take_unnoticed(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Kinds of the open dead letters that were not taken before; the caller announces them in the same transaction."""
    return list(await session.scalars(_TAKE, {"t": scope_of(session).tenant_id, "now": now}))


async def replay_dead_letter(session: AsyncSession, letter_id: UUID, *, now: datetime) -> None:
    """Enqueue the failed job in its lane again, with its attempts reset.

    Raises:
        NotFound: no such dead letter in this account.
        Conflict: it is already closed.
    """
    letter = await _settle(session, letter_id, state=DeadLetterState.REPLAYED, now=now)
    job = StoredJob(letter.lane, letter.kind, letter.key, letter.ref, letter.payload, correlation=letter.correlation)
    enqueue_stored(session, [job])


async def discard_dead_letter(session: AsyncSession, letter_id: UUID, *, now: datetime) -> None:
    """Close the dead letter without a replay. Raises NotFound or Conflict, as `replay_dead_letter`."""
    await _settle(session, letter_id, state=DeadLetterState.DISCARDED, now=now)


async def _settle(session: AsyncSession, letter_id: UUID, *, state: DeadLetterState, now: datetime) -> DeadLetter:
    scope = scope_of(session)
    letter = await session.scalar(
        select(DeadLetter).where(DeadLetter.tenant_id == scope.tenant_id, DeadLetter.id == letter_id).with_for_update()
    )
    if letter is None:
        raise NotFound
    if letter.state != DeadLetterState.OPEN:
        raise Conflict(
            N_("This item was already {state}. Reload the page to see its state."),
            params={"state": Phrase(DeadLetterState.of(letter.state).label)},
        )
    letter.state, letter.closed_at, letter.closed_by = DEAD_LETTERS.move(letter.state, state), now, scope.actor.name
    append_audit(
        session,
        action=DeadLetterAction.of(f"dead_letter.{state}"),
        subject=f"dead_letter:{letter_id}",
        data={"kind": letter.kind},
        at=now,
    )
    return letter
