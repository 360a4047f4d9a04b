"""Escalation ladders: loading, saving, and return to the inherited one."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import Database, scope_of
from foundation.errors import InvalidInput
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.marks import N_
from foundation.scope import Scope
from governance.escalation_timer import LEAST_MINUTES, schedule_escalations
from governance.escalations.audit_actions import LadderAction
from governance.escalations.job_types import COPY_LADDER, COPY_LANE
from governance.escalations.models import EscalationLadder
from governance.escalations.roles import roles_to_notify
from governance.escalations.schemas import MOST_MINUTES, MOST_STEPS, EscalationStep, EscalationSubject, LadderSource
from policy.index import PolicyIndex

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR
DEFAULT_STEPS: Final = (
    EscalationStep("approval", 4 * _HOUR, "client_approver"),
    EscalationStep("approval", _DAY, "client_admin"),
    EscalationStep("exception", 4 * _HOUR, "msp_operator", 60),
    EscalationStep("exception", _DAY, "msp_supervisor", 60),
)
"""Steps where neither the account nor its MSP has set a ladder."""


class AppliedLadder(msgspec.Struct, frozen=True):
    """The ladder that applies to an account. `inherited`: the steps that apply without a ladder of its own."""

    source: LadderSource
    steps: Sequence[EscalationStep]
    inherited: Sequence[EscalationStep]
    changed_at: datetime | None = None
    changed_by: str = ""


async def load_ladder(session: AsyncSession) -> AppliedLadder:
    """The ladder of the scope's account; in the MSP account, the one for all its clients."""
    scope = scope_of(session)
    rows = await session.scalars(select(EscalationLadder).where(EscalationLadder.tenant_id == scope.tenant_id))
    by_owner = {row.owner_id: row for row in rows}
    own = by_owner.get(scope.tenant_id)
    of_msp = by_owner.get(scope.msp_id) if scope.tenant_id != scope.msp_id else None
    inherited = DEFAULT_STEPS if of_msp is None else _steps(of_msp)
    found = own or of_msp
    if found is None:
        return AppliedLadder("default", DEFAULT_STEPS, DEFAULT_STEPS)
    source: LadderSource = "msp" if own is None else "own"
    return AppliedLadder(source, _steps(found), inherited, found.changed_at, found.changed_by)


async def load_ladders(session: AsyncSession, clients: Collection[UUID]) -> Mapping[UUID, Sequence[EscalationStep]]:
    """The steps that apply to each of these clients; in the fleet's scope, or in the account of the one client."""
    rows = (await session.scalars(select(EscalationLadder).where(EscalationLadder.tenant_id.in_(clients)))).all()
    found = dict.fromkeys(clients, DEFAULT_STEPS) | {
        row.tenant_id: _steps(row) for row in rows if row.owner_id != row.tenant_id
    }
    return found | {row.tenant_id: _steps(row) for row in rows if row.owner_id == row.tenant_id}


async def find_own_steps(session: AsyncSession) -> Sequence[EscalationStep] | None:
    """Return the steps of the account's own ladder; None if the ladder is inherited."""
    found = await load_ladder(session)
    return found.steps if found.source == "own" else None


async def save_ladder(
    session: AsyncSession, steps: Sequence[EscalationStep], *, index: PolicyIndex, now: datetime
) -> None:
    """Set the ladder of the scope's account, also for items that are already open.

    Raises:
        InvalidInput: see `check_steps`.
    """
    await set_ladder(session, check_steps(steps, index, of_msp=_is_msp_account(session)), now=now)


async def set_ladder(session: AsyncSession, checked: Sequence[EscalationStep], *, now: datetime) -> None:
    """As `save_ladder`, with steps that `check_steps` returned."""
    await _store(session, scope_of(session).tenant_id, checked, now)
    data = {"steps": msgspec.to_builtins(list(checked))}
    append_audit(session, action=LadderAction.LADDER_SET, subject="escalation_ladder", data=data, at=now)
    await _apply(session, now)


async def reset_ladder(session: AsyncSession, *, now: datetime) -> None:
    """Delete the ladder of the scope's account, so that the inherited one applies. Without one, nothing happens."""
    if await _remove(session, scope_of(session).tenant_id):
        append_audit(session, action=LadderAction.LADDER_REMOVED, subject="escalation_ladder", data={}, at=now)
        await _apply(session, now)


def check_steps(steps: Sequence[EscalationStep], index: PolicyIndex, *, of_msp: bool) -> list[EscalationStep]:
    """Return the steps in order. `of_msp`: with the names of the MSP's own roles, which its clients cannot read.

    Raises:
        InvalidInput: no step about all approvals, too many, the same twice, or a role that may not see the subject.
    """
    if len(steps) > MOST_STEPS:
        raise InvalidInput(N_("A ladder has at most {most} steps."), params={"most": MOST_STEPS}, field="steps")
    known = {one: roles_to_notify(index, one) for one in EscalationSubject}
    names = index.role_names if of_msp else {}
    for step in steps:
        if not LEAST_MINUTES <= step.after_minutes <= MOST_MINUTES:
            raise InvalidInput(N_("A step is reached after 5 minutes to 30 days."), field="after")
        if step.role not in known[step.subject]:
            raise InvalidInput(
                N_("The role {role} does not exist here, or may not see what the step is about."),
                params={"role": step.role}, field="role",
            )  # fmt: skip
    named = [msgspec.structs.replace(one, role_name=names.get(one.role, "")) for one in steps]
    ordered = sorted(named, key=lambda one: (one.about, one.after_minutes, one.least_severity, one.role))
    if len({(one.about, one.after_minutes, one.role) for one in ordered}) < len(ordered):
        raise InvalidInput(N_("Two steps notify the same role at the same time."), field="steps")
    if not any(one.subject is EscalationSubject.APPROVAL and not one.least_severity for one in ordered):
        raise InvalidInput(
            N_("At least one step is about approvals of any severity, so that none waits unseen."), field="steps"
        )
    return ordered


async def read_msp_ladder(db: Database, scope: Scope) -> Sequence[EscalationStep] | None:
    """The ladder that the MSP of `scope` sets for its clients, in a transaction of its own, in the MSP account."""
    async with db.transaction(Scope(scope.msp_id, scope.msp_id, scope.actor)) as session:
        return await find_own_steps(session)


async def copy_msp_ladder(session: AsyncSession, steps: Sequence[EscalationStep] | None, *, now: datetime) -> None:
    """Store the MSP's ladder in the scope's client, or remove the copy of an earlier one."""
    if steps is None:
        await _remove(session, scope_of(session).msp_id)
    else:
        await _store(session, scope_of(session).msp_id, steps, now)
    await schedule_escalations(session, now)


def _steps(row: EscalationLadder) -> Sequence[EscalationStep]:
    return msgspec.convert(row.steps, list[EscalationStep])


async def _store(session: AsyncSession, owner_id: UUID, steps: Sequence[EscalationStep], now: datetime) -> None:
    scope = scope_of(session)
    values = {"steps": msgspec.to_builtins(list(steps)), "changed_at": now, "changed_by": scope.actor.name}
    statement = insert(EscalationLadder).values(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, owner_id=owner_id, **values
    )
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "owner_id"], set_=values))


async def _remove(session: AsyncSession, owner_id: UUID) -> bool:
    own = (EscalationLadder.tenant_id == scope_of(session).tenant_id, EscalationLadder.owner_id == owner_id)
    gone = delete(EscalationLadder).where(*own).returning(EscalationLadder.owner_id)
    return (await session.execute(gone)).one_or_none() is not None


def _is_msp_account(session: AsyncSession) -> bool:
    return scope_of(session).tenant_id == scope_of(session).msp_id


async def _apply(session: AsyncSession, now: datetime) -> None:
    if _is_msp_account(session):
        enqueue(session, [NewJob(COPY_LANE, COPY_LADDER, key="ladder")])
    else:
        await schedule_escalations(session, now)
