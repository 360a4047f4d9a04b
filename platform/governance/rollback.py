"""Rollback: a change of its own that restores the previous value, on every channel or on one."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import Value
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.telemetry.correlation import current_correlation
from governance.context import Context
from governance.errors import NothingToRollBack
from governance.ingest import read_world
from governance.planning import STATE_OF, Plan, World, facts_of, known_cost, release
from governance.release import load_changes
from governance.rows import ChangeRow
from governance.writing import write_plan
from policy.index import decide
from policy.rules import Outcome

ORIGIN = "rollback"


async def roll_back_change(
    session: AsyncSession, context: Context, change_id: UUID, *, connection_id: UUID | None = None
) -> UUID:
    """Restore what was approved before `change_id`, or on one channel what it showed before. Returns the new change.

    Raises:
        NotFound: no such change or propagation in this account.
        NothingToRollBack: it was never released, there was no earlier value, or a newer change stands.
    """
    changes = await load_changes(session, [change_id])
    if not changes:
        raise NotFound
    change = changes[0]
    world = await read_world(session, context, {(change.record_key, change.element)})
    row = world.values[change.record_key, change.element]
    if change.version is None:
        raise NothingToRollBack("This change was never sent to a channel.")
    if row.change_id != change.id:
        raise NothingToRollBack("A newer change of the same value stands. Roll that one back.")
    if connection_id is None:
        if change.old_amount is None:
            raise NothingToRollBack("This was the first value; there is none before it.")
        previous, targets = Value(change.old_amount, change.old_currency or ""), None
    else:
        previous, targets = await _shown_before(session, change_id, connection_id), [connection_id]
    plan = _plan(change, previous, targets, world, author=scope_of(session).actor.id, context=context)
    await write_plan(session, plan, world)
    return plan.changes[0].id


async def _shown_before(session: AsyncSession, change_id: UUID, connection_id: UUID) -> Value:
    found = (
        await session.execute(
            text("""
                SELECT previous_amount, previous_currency FROM propagation
                 WHERE tenant_id = :t AND change_id = :change AND connection_id = :connection
            """),
            {"t": scope_of(session).tenant_id, "change": change_id, "connection": connection_id},
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    if found.previous_amount is None:
        raise NothingToRollBack("It is not known what this channel showed before.")
    return Value(found.previous_amount, found.previous_currency or "")


def _plan(  # noqa: PLR0913 - one step of the use case above
    change: ChangeRow, previous: Value, targets: list[UUID] | None, world: World, *, author: str, context: Context
) -> Plan:
    row = world.values[change.record_key, change.element]
    cost = known_cost(world.values, change.record_key)
    facts = facts_of(change.element, Value(change.new_amount, change.new_currency), previous, cost)
    decision = decide(world.index, (ORIGIN,), change.element, facts)
    back = ChangeRow(
        id=context.new_id(),
        record_key=change.record_key,
        element=change.element,
        old_amount=change.new_amount,
        old_currency=change.new_currency,
        new_amount=previous.amount,
        new_currency=previous.currency,
        source_version=row.source_version,
        version=None,
        origin=ORIGIN,
        author=author,
        state=STATE_OF[decision.outcome],
        outcome=decision.outcome.value,
        rule_id=decision.rule_id,
        reason=decision.reason,
        policy_version=decision.policy_version,
        cost_amount=None if cost is None else cost.amount,
        targets=targets,
        approval_id=None,
        source_event_id=change.source_event_id,
        committed_at=world.now,
        proposed_at=world.now,
        correlation=current_correlation(),
    )
    plan = Plan(values={(change.record_key, change.element): row}, changes=[back])
    if decision.outcome is Outcome.AUTO:
        contract = world.contracts[change.element]
        plan.propagations = release(back, row, contract, world.channels, context.new_id)
    return plan
