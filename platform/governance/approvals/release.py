"""Decision on a change by a person, and its release after a check of the approval against current data."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.bulk import BulkWrite
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.marks import N_, Phrase
from governance.approvals.lapsed_rights import NOBODY, Lapsed, find_lapsed
from governance.changes import repository
from governance.changes.locking import lock_changes
from governance.changes.plan_writer import (
    CHANGE,
    OF_THE_SOURCE,
    audit_decision,
    late_approval,
    request_change_approvals,
)
from governance.changes.planner import (
    BASELINE,
    DecisionSnapshot,
    content_of,
    old_value_of,
    release,
    strictest_decision,
)
from governance.changes.rows import ChangeRow
from governance.changes.states import ChangeState
from governance.errors import NotAwaiting
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve, auto_resolve_keys, open_exceptions
from governance.exceptions.rows import Exposure, NewException
from governance.job_types import RELEASE, RELEASE_LANE
from governance.messages import exceptions as messages
from governance.messages import reasons
from governance.messages.parameters import about
from governance.notices import APPROVAL_DECIDED
from governance.propagation.distribute import distribute
from governance.propagation.rows import PropagationRow
from governance.records.claims import is_key_shared
from governance.records.reference_values import known_cost
from governance.records.repository import save_values
from governance.services import GovernanceServices
from policy.approvals import OF_OWN_PROPOSAL, decide_approval, withdraw_approvals
from policy.errors import OwnApproval
from policy.index import Decision
from policy.redeeming import RedeemResult, redeem_approvals
from policy.rules import PolicyOutcome
from policy.states import ApprovalState
from tenants.auth.api_keys import find_creator
from tenants.notifications.notify import notify

_UPDATE = BulkWrite(
    {
        "id": "uuid", "state": "varchar", "version": "bigint", "outcome": "varchar", "rule_id": "varchar",
        "reason": "jsonb", "policy_version": "bigint", "cost_value": "jsonb", "approval_id": "uuid",
        "old_value": "jsonb", "decided_at": "timestamptz",
    },
    """
    UPDATE change c SET state = r.state, version = r.version, outcome = r.outcome, rule_id = r.rule_id,
           reason = r.reason, policy_version = r.policy_version, cost_value = r.cost_value,
           approval_id = r.approval_id, old_value = r.old_value, decided_at = r.decided_at
      FROM {rows} WHERE c.tenant_id = :tenant_id AND c.msp_id = :msp_id AND c.id = r.id
    """,
)  # fmt: skip


async def answer_change(  # noqa: PLR0913 - keyword-only parts of one answer
    session: AsyncSession, change_id: UUID, *, grant: bool, reason: str, now: datetime, seen: UUID | None = None
) -> None:
    """Approve or decline. The release job carries out an approval after checking it again. If the rule needs more
    approvals than this one, the change stays pending.

    `seen` is the id of the approval that was shown; it may have been reissued since.

    Raises:
        NotFound: no such change in this account.
        NotAwaiting: the change was decided, superseded or expired, its approval is not `seen`, or two records claim its
            key.
        OwnApproval, ApprovalExpired, NotAnApprover, AlreadyApproved, InvalidInput: see
            `policy.approvals.decide_approval`.
    """
    changes = await repository.load_changes(session, [change_id])
    if not changes:
        raise NotFound
    change = changes[0]
    if change.state != ChangeState.AWAITING_APPROVAL or change.approval_id is None:
        raise NotAwaiting(
            N_("This change is {state} and no longer awaits approval. Reload the page."),
            params={"state": Phrase(ChangeState.of(change.state).label)},
        )
    if seen is not None and seen != change.approval_id:
        raise NotAwaiting(N_("This request has changed since you opened it. Review it again, then answer."))
    if grant and await is_key_shared(session, change.record_key, record_type=change.record_type):
        raise NotAwaiting(
            N_(
                "Two records of the source have this key, so it is not known which one this value is for. Correct that"
                " there first; until then the change can only be declined."
            )
        )
    scope = scope_of(session)
    # The change names the inviter of a creator who was not confirmed then, and the creator may be confirmed since.
    if scope.actor.id == await find_creator(session, change.author):
        raise OwnApproval(OF_OWN_PROPOSAL)
    approval = await decide_approval(
        session, scope, approval_id=change.approval_id, grant=grant, reason=reason, now=now
    )
    if approval.state is ApprovalState.PENDING:
        return
    change.decided_at = now
    await auto_resolve(session, ExceptionType.APPROVAL_LATE, [late_approval(change_id)], now=now)
    _notify_proposer(session, change, now)
    if grant:
        await _UPDATE.execute(session, [change])
        job = NewJob(
            RELEASE_LANE, RELEASE, key=change.key.joined("|"), ref=change_id,
            correlation=change.correlation,
        )  # fmt: skip
        enqueue(session, [job])
        return
    change.move_to(ChangeState.DECLINED)
    await _UPDATE.execute(session, [change])
    audit_decision(session, change, now)


def _notify_proposer(session: AsyncSession, change: ChangeRow, now: datetime) -> None:
    """Notify the proposer. A change of a source or a job has none."""
    try:
        proposer = UUID(change.on_behalf_of or change.author)
    except ValueError:
        return
    notify(
        session, APPROVAL_DECIDED, topic=str(change.id), path=f"/changes/{change.id}", at=now, members=[proposer],
        params={"record": change.record_key},
    )  # fmt: skip


def release_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def release_approved(batch: Batch[NoPayload]) -> None:
        ids = [item.ref for item in batch.items]
        lapsed = await find_lapsed(batch, services, ids)
        async with batch.commit() as session:
            await release_changes(session, services, ids, lapsed)

    return release_approved


async def release_changes(
    session: AsyncSession, services: GovernanceServices, ids: Sequence[UUID | None], lapsed: Lapsed = NOBODY
) -> None:
    """Redeem each approval for exactly its content, then distribute; on a content mismatch decide again.

    An approval by a member who lost the permission to approve, or the role that had to approve, is withdrawn and
    requested again; a proposal by a member who lost the permission to propose is refused.
    """
    locked, snapshot = await lock_changes(session, services, ids)
    changes = [c for c in locked if c.state == ChangeState.AWAITING_APPROVAL and c.approval_id is not None]
    if not changes:
        return
    await _withdraw(session, [c for c in changes if c.approval_id in lapsed.approvals], snapshot)
    hashes = {c.approval_id: content_of(c, snapshot) for c in changes if c.approval_id}
    redeemed = await redeem_approvals(session, scope_of(session), content_hashes=hashes, now=snapshot.now)
    propagations: list[PropagationRow] = []
    rerouted: list[ChangeRow] = []
    for change in changes:
        if change.approval_id is not None and redeemed[change.approval_id] is RedeemResult.REDEEMED:
            contract = snapshot.contracts.get(change.key)
            row = snapshot.values[change.key]
            change.cost_value = known_cost(snapshot.values, change.key)
            propagations += release(change, row, contract, snapshot.targets(change.key), services.new_id)
            decided_at = change.decided_at or snapshot.now
            services.metrics.decided(scope_of(session).tenant_id, decided_at - change.proposed_at)
            audit_decision(session, change, snapshot.now)
        elif change.approval_id is None or redeemed[change.approval_id] is not RedeemResult.USED:
            rerouted.append(change)
    unsupported = [c for c in rerouted if c.approval_id in lapsed.proposals]
    await _refuse(session, services, unsupported, snapshot)
    propagations += await _reroute(session, services, [c for c in rerouted if c not in unsupported], snapshot, lapsed)
    await save_values(
        session, [snapshot.values[c.key] for c in changes], now=snapshot.now, zone=snapshot.contracts.zone
    )
    await _UPDATE.execute(session, changes)
    await distribute(session, propagations)
    released = {c.key for c in changes if c.state == ChangeState.RELEASED}
    await auto_resolve_keys(session, OF_THE_SOURCE, released, now=snapshot.now)


async def _reroute(
    session: AsyncSession,
    services: GovernanceServices,
    changes: Sequence[ChangeRow],
    snapshot: DecisionSnapshot,
    lapsed: Lapsed,
) -> list[PropagationRow]:
    """Decide again after a content mismatch, and open an exception with the reason."""
    found: list[NewException] = []
    passed: list[PropagationRow] = []
    for change in changes:
        row = snapshot.values[change.key]
        if change.origin != BASELINE:  # a baseline's value is compared with the channel's value
            change.old_value = old_value_of(change, row)
        decision = strictest_decision(change, row, snapshot)
        _take(change, decision, snapshot)
        change.decided_at = None if decision.outcome is PolicyOutcome.REVIEW else snapshot.now
        if decision.outcome is PolicyOutcome.AUTO:
            contract = snapshot.contracts.get(change.key)
            passed += release(change, row, contract, snapshot.targets(change.key), services.new_id)
        elif decision.outcome is PolicyOutcome.REFUSE:
            change.move_to(ChangeState.REFUSED)
        found.append(_stale(change, lapsed=change.approval_id in lapsed.approvals))
        audit_decision(session, change, snapshot.now)
    await request_change_approvals(session, [c for c in changes if c.state == ChangeState.AWAITING_APPROVAL], snapshot)
    await open_exceptions(session, found, now=snapshot.now, new_id=services.new_id)
    return passed


def _take(change: ChangeRow, decision: Decision, snapshot: DecisionSnapshot) -> None:
    """Record another decision on an open change."""
    change.outcome, change.rule_id = decision.outcome.value, decision.rule_id
    change.reason, change.policy_version = decision.reason, decision.policy_version
    change.cost_value = known_cost(snapshot.values, change.key)
    snapshot.approvers[change.id] = decision.approvers


async def renew_approval(
    session: AsyncSession, change: ChangeRow, decision: Decision, snapshot: DecisionSnapshot
) -> UUID | None:
    """Request the approval of a locked change again, bound to the data of `snapshot`; returns its id. `decision` is a
    review, made on that data. Earlier votes are void: they were for other data.
    """
    if change.origin != BASELINE:
        change.old_value = old_value_of(change, snapshot.values[change.key])
    _take(change, decision, snapshot)
    await request_change_approvals(session, [change], snapshot)
    await _UPDATE.execute(session, [change])
    return change.approval_id


async def _withdraw(session: AsyncSession, changes: Sequence[ChangeRow], snapshot: DecisionSnapshot) -> None:
    if changes:
        await withdraw_approvals(
            session, scope_of(session), subject_kind=CHANGE, subject_ids=[c.id for c in changes], now=snapshot.now,
            cause=reasons.RIGHT_LOST.fill(),
        )  # fmt: skip


async def _refuse(
    session: AsyncSession, services: GovernanceServices, changes: Sequence[ChangeRow], snapshot: DecisionSnapshot
) -> None:
    for change in changes:
        change.move_to(ChangeState.REFUSED)
        change.reason = reasons.MAY_NOT_PROPOSE.fill()
        audit_decision(session, change, snapshot.now)
    found = [_stale(change, lapsed=True) for change in changes]
    await open_exceptions(session, found, now=snapshot.now, new_id=services.new_id)


def _stale(change: ChangeRow, *, lapsed: bool) -> NewException:
    if change.state == ChangeState.REFUSED and lapsed:
        message = messages.PROPOSAL_LAPSED.fill(**about(change.key))
    else:
        declared = messages.APPROVAL_LAPSED if lapsed else messages.APPROVAL_STALE
        message = declared.fill(**about(change.key), outcome=change.outcome)
    return NewException(
        code=ExceptionType.APPROVAL_STALE,
        subject=str(change.id),
        message=message,
        exposure=Exposure(change.old_value, change.new_value),
        key=change.key,
        change_id=change.id,
        correlation=change.correlation,
    )
