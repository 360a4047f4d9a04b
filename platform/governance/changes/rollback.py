"""Rollback: a new change that restores the previous value, on every channel or on one."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import Value, to_value
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.marks import N_
from foundation.telemetry.correlation import current_correlation
from governance.changes.locking import lock_changes
from governance.changes.plan_writer import write_plan
from governance.changes.planner import ROLLBACK, Plan, is_exception_of_one_channel, propose
from governance.changes.rows import Proposal
from governance.errors import NothingToRollBack
from governance.services import GovernanceServices


async def roll_back_change(
    session: AsyncSession, services: GovernanceServices, change_id: UUID, *, connection_id: UUID | None = None
) -> UUID:
    """Restore the value approved before `change_id`, or the value shown before on one channel. Returns the new change.

    Raises:
        NotFound: no such change or propagation in this account.
        NothingToRollBack: the change was never released, has no earlier value, or is not the latest, or its element is
        retired.
    """
    changes, snapshot = await lock_changes(session, services, [change_id])
    if not changes:
        raise NotFound
    change = changes[0]
    if snapshot.contracts.find_ended(change.key) is not None:
        raise NothingToRollBack(N_("The element of this change is retired and takes no values any more."))
    row = snapshot.values[change.key]
    if change.version is None:
        raise NothingToRollBack(N_("This change was never sent to a channel."))
    own_channels = change.targets if is_exception_of_one_channel(change) else None
    if row.change_id != change.id and (own_channels is None or change.version != row.version):
        raise NothingToRollBack(N_("A newer change of the same value is in effect. Roll back that one instead."))
    if connection_id is None:
        if change.old_value is None:
            raise NothingToRollBack(N_("This was the first value; there is none before it."))
        previous, targets = change.old_value, own_channels
    else:
        previous, targets = await _shown_before(session, change_id, connection_id), [connection_id]
    actor = scope_of(session).actor
    proposal = Proposal(
        value=previous,
        origin=ROLLBACK,
        author=actor.id,
        on_behalf_of=actor.counts_as or actor.on_behalf_of,
        committed_at=snapshot.now,
        source_event_id=change.source_event_id,
        correlation=current_correlation(),
        targets=targets,
        author_roles=list(actor.proposer_roles),
    )
    plan = Plan(values={change.key: row})
    back, *_ = propose(proposal, row, snapshot, plan)
    await write_plan(session, plan, snapshot)
    return back.id


async def _shown_before(session: AsyncSession, change_id: UUID, connection_id: UUID) -> Value:
    """The value that the change replaced on the channel; if none is recorded, because a worker died after sending, the
    value last read there.
    """
    found = (
        await session.execute(
            text("""
                SELECT coalesce(p.previous_value, s.value) AS previous_value
                  FROM propagation p
                  LEFT JOIN channel_value s ON s.tenant_id = :t AND s.connection_id = p.connection_id
                   AND s.record_type = p.record_type AND s.record_key = p.record_key AND s.element = p.element
                   AND s.dimension = p.dimension AND s.version < p.version
                 WHERE p.tenant_id = :t AND p.change_id = :change AND p.connection_id = :connection
            """),
            {"t": scope_of(session).tenant_id, "change": change_id, "connection": connection_id},
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    previous = to_value(found.previous_value)
    if previous is None:
        raise NothingToRollBack(N_("It is not known what this channel showed before."))
    return previous
