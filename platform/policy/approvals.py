"""Approvals: a member's decision on one exact content. Requesting, deciding, expiring, withdrawing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import MoneyValue
from foundation.audit.chain import append_audit
from foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from foundation.i18n.messages import StoredMessage, encode_message
from foundation.ids import NewId
from foundation.marks import N_, Phrase
from foundation.scope import Actor, Scope
from foundation.text import has_visible_text
from policy import approval_repository as sql
from policy.approval_repository import Approval, run, to_approval
from policy.approvers import ANYONE_ONCE, Approvers, Vote, missing_approvers, qualifies
from policy.audit_actions import PolicyAction
from policy.errors import AlreadyApproved, ApprovalExpired, ApprovalNotPending, NotAnApprover, OwnApproval
from policy.messages import SUPERSEDED
from policy.role_labels import write_roles
from policy.states import APPROVALS, ApprovalState

_OWN: Final = N_("You cannot decide on your own proposal. Another approver must decide.")
OF_OWN_PROPOSAL: Final = N_(
    "You created the API key that proposed this, or invited the member who did, so you cannot decide on it. "
    "Another approver must decide."
)
_NOT_INDEPENDENT: Final = N_(
    "The person who proposed this also invited you, or was invited by the same person. Until an independent "
    "administrator has confirmed you, you cannot decide on it. Another approver must decide."
)


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A request for approval. `content_hash` comes from `bind_content`. `author` is empty when the requester also wrote
    the content.

    `author` is the creator of a machine's key, or the inviter of a member whom no independent member has confirmed:
    their requests count as that member's, who may not decide on them either (`Actor.counts_as`).
    """

    subject_kind: str
    subject_id: UUID
    content_hash: bytes
    policy_version: int
    requested_by: str
    expires_at: datetime
    author: str = ""
    due_at: datetime | None = None
    """Time after which a decision is overdue; by default the approval's expiry."""
    approvers: tuple[Approvers, ...] = ()
    """The required approvers; empty for one member of any role that may approve."""
    severity: int = 0
    """Weight of the waiting approval, from 0 to 100."""
    impact: MoneyValue | None = None
    """Size of the difference in price, if prices are concerned."""


async def request_approvals(
    session: AsyncSession, scope: Scope, *, requests: Sequence[ApprovalRequest], now: datetime, new_id: NewId
) -> list[UUID]:
    """Request approvals and return their ids, in the order of `requests`; two statements for any number.

    A repeated request for the same content returns the same approval, even if granted by now. Other content of the same
    subject withdraws the open approval and creates a new one, which continues its wait if nobody answered.
    """
    if not requests:
        return []
    subjects = [(request.subject_kind, request.subject_id) for request in requests]
    if len(set(subjects)) < len(subjects):
        raise InvalidInput(N_("Request only one approval per subject in each call."))
    wanted = {
        "ids": [new_id() for _ in requests],
        "kinds": [request.subject_kind for request in requests],
        "subjects": [request.subject_id for request in requests],
        "hashes": [request.content_hash for request in requests],
        "versions": [request.policy_version for request in requests],
        "requesters": [request.requested_by for request in requests],
        "authors": [request.author or request.requested_by for request in requests],
        "expiries": [request.expires_at for request in requests],
        "dues": [request.due_at or request.expires_at for request in requests],
        "approvers": [msgspec.json.encode(request.approvers).decode() for request in requests],
        "wait_ids": [None for _ in requests],
        "waits": [None for _ in requests],
        "severities": [request.severity for request in requests],
        "impacts": [request.impact.number if request.impact else 0 for request in requests],
        "currencies": [request.impact and request.impact.currency for request in requests],
        "now": now,
    }
    replaced = await run(session, scope, sql.SUPERSEDE, wanted | {"cause": encode_message(SUPERSEDED.fill())})
    waits = {(row.subject_kind, row.subject_id): row for row in replaced if row.was == ApprovalState.PENDING}
    if waits:
        wanted["wait_ids"] = [waits[one].wait_id if one in waits else None for one in subjects]
        wanted["waits"] = [waits[one].waiting_since if one in waits else None for one in subjects]
    rows = await run(session, scope, sql.INSERT, wanted | {"msp_id": scope.msp_id})
    found = {(row.subject_kind, row.subject_id): (row.id, bytes(row.content_hash)) for row in rows}
    if any(found[subject][1] != request.content_hash for subject, request in zip(subjects, requests, strict=True)):
        raise Conflict(N_("Another change was submitted for approval at the same time. Try again."))
    return [found[subject][0] for subject in subjects]


def require_reason(*, grant: bool, reason: str) -> None:
    """Require a reason of a refusal. Raises: InvalidInput."""
    if not grant and not has_visible_text(reason):
        raise InvalidInput(N_("Enter a reason to decline. The author will see it."), field="reason")


async def decide_approval(  # noqa: PLR0913 - keyword-only parts of one answer
    session: AsyncSession, scope: Scope, *, approval_id: UUID, grant: bool, reason: str = "", now: datetime
) -> Approval:
    """Grant or refuse, as the scope's actor, a member. The caller checks the permission first (`approval:decide`).

    One refusal is final. An approval is counted, and if further ones are required, the returned approval is still
    pending.

    Raises:
        OwnApproval: the actor wrote or requested the content, created the key that did, or counts as the member who
            did.
        ApprovalExpired: too late. The approval is marked expired if the caller's transaction commits, else by
            `expire_approvals`.
        ApprovalNotPending: another member was faster, or the content has been replaced.
        NotAnApprover: the approval names roles, and the actor has none of them.
        AlreadyApproved: the actor, or somebody who counts as the actor, has approved already.
        InvalidInput: a refusal without a reason.
    """
    if scope.actor.kind != "member":
        raise Forbidden(N_("Only a signed-in member can approve or decline."))
    require_reason(grant=grant, reason=reason)
    rows = await run(session, scope, sql.LOCK_ONE, {"id": approval_id})
    if not rows:
        raise NotFound
    approval = to_approval(rows[0])
    if scope.actor.same_identity & {approval.requested_by, approval.author}:
        raise OwnApproval(_why_own(scope.actor, approval))
    if approval.state is ApprovalState.PENDING and approval.expires_at <= now:
        await _settle(session, scope, approval, ApprovalState.EXPIRED, "", now)
        raise ApprovalExpired(N_("Nobody decided in time. Propose the change again."))
    if approval.state is not ApprovalState.PENDING:
        raise ApprovalNotPending(
            N_("This approval is {state}. Reload to see what happened."), params={"state": Phrase(approval.state.label)}
        )
    await _require_approver(session, scope.actor, approval, grant=grant)
    if not grant:
        return await _settle(session, scope, approval, ApprovalState.REFUSED, reason, now)
    vote = Vote(scope.actor.id, scope.actor.roles, now, reason)
    approval = replace(approval, votes=(*approval.votes, vote))
    await run(session, scope, sql.ADD_VOTE, {"id": approval.id, "votes": msgspec.json.encode(approval.votes).decode()})
    if missing_approvers(approval.approvers, approval.votes):
        _audit(session, approval, PolicyAction.APPROVAL_COUNTED, reason, now)
        return approval
    return await _settle(session, scope, approval, ApprovalState.GRANTED, reason, now)


async def withdraw_approvals(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    scope: Scope,
    *,
    subject_kind: str,
    subject_ids: Sequence[UUID],
    cause: StoredMessage,
    now: datetime,
) -> list[Approval]:
    """Withdraw the open approvals of subjects that are no longer current, granted ones too."""
    subjects = {"subject_kind": subject_kind, "subject_ids": list(subject_ids)}
    wanted = {**subjects, "cause": encode_message(cause), "now": now}
    return [to_approval(row) for row in await run(session, scope, sql.WITHDRAW, wanted)]


async def list_granted(
    session: AsyncSession, scope: Scope, *, subject_kind: str, subject_ids: Sequence[UUID]
) -> list[Approval]:
    """Approvals of these subjects that were granted and not yet redeemed."""
    wanted = {"subject_kind": subject_kind, "subject_ids": list(subject_ids)}
    return [to_approval(row) for row in await run(session, scope, sql.GRANTED, wanted)]


async def expire_approvals(
    session: AsyncSession, scope: Scope, *, now: datetime, subject_ids: Sequence[UUID] | None = None, limit: int = 1_000
) -> list[Approval]:
    """Mark approvals past their expiry as expired, of all subjects or of `subject_ids`, granted ones too.

    Correctness does not depend on how soon this runs: redeeming compares the time itself.
    """
    subjects = None if subject_ids is None else list(subject_ids)
    rows = await run(session, scope, sql.EXPIRE, {"now": now, "subjects": subjects, "limit": limit})
    return [to_approval(row) for row in rows]


async def mark_overdue(session: AsyncSession, scope: Scope, *, now: datetime, limit: int = 1_000) -> list[Approval]:
    """Record pending approvals that are past their due time and have not expired. Returns those newly overdue."""
    return [to_approval(row) for row in await run(session, scope, sql.MARK_OVERDUE, {"now": now, "limit": limit})]


async def extend_approvals(session: AsyncSession, scope: Scope, *, since: datetime, now: datetime) -> None:
    """Extend all open approvals by the suspension from `since` to `now`, so that the time left is unchanged."""
    await run(session, scope, sql.EXTEND, {"since": since, "now": now})


async def find_approval(session: AsyncSession, scope: Scope, *, approval_id: UUID) -> Approval:
    rows = await run(session, scope, sql.FIND_ONE, {"id": approval_id})
    if not rows:
        raise NotFound
    return to_approval(rows[0])


async def _require_approver(session: AsyncSession, actor: Actor, approval: Approval, *, grant: bool) -> None:
    """Require that the actor's answer counts. Raises: NotAnApprover, AlreadyApproved."""
    required = approval.approvers or ANYONE_ONCE
    if not any(qualifies(actor.roles, one) for one in required):
        roles = await write_roles(session, (one.role for one in required))
        raise NotAnApprover(N_("This needs an answer by somebody with the role {roles}."), params={"roles": roles})
    if not grant:
        return
    if not actor.same_identity.isdisjoint(vote.by for vote in approval.votes):
        raise AlreadyApproved(
            N_(
                "You approved this already, or count as one person with somebody who did. Another member must approve "
                "it too."
            )
        )
    missing = missing_approvers(approval.approvers, approval.votes)
    if not any(qualifies(actor.roles, one) for one in missing):
        roles = await write_roles(session, (one.role for one in missing))
        raise NotAnApprover(
            N_("Enough members with your role have approved this. It still needs the role {roles}."),
            params={"roles": roles},
        )


def _why_own(actor: Actor, approval: Approval) -> str:
    if actor.id == approval.requested_by:
        return _OWN
    return OF_OWN_PROPOSAL if actor.id == approval.author else _NOT_INDEPENDENT


async def _settle(  # noqa: PLR0913, PLR0917 - one step of deciding
    session: AsyncSession, scope: Scope, approval: Approval, state: ApprovalState, reason: str, now: datetime
) -> Approval:
    decided_by = None if state is ApprovalState.EXPIRED else scope.actor.id
    settled = replace(
        approval, state=APPROVALS.move(approval.state, state), decided_by=decided_by, decided_at=now, reason=reason
    )
    await run(
        session,
        scope,
        sql.SETTLE,
        {"id": approval.id, "state": state.value, "decided_by": decided_by, "now": now, "reason": reason},
    )
    _audit(session, approval, PolicyAction.of(f"approval.{state.value}"), reason, now)
    return settled


def _audit(session: AsyncSession, approval: Approval, action: PolicyAction, reason: str, now: datetime) -> None:
    data: dict[str, Any] = {
        "subject_kind": approval.subject_kind,
        "subject_id": str(approval.subject_id),
        "content": approval.content_hash.hex(),
        "policy_version": approval.policy_version,
        "reason": reason,
    }
    if approval.approvers:
        data["approved_by"] = [vote.by for vote in approval.votes]
    append_audit(session, action=action, subject=str(approval.id), data=data, at=now)
