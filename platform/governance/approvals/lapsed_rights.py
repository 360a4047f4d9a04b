"""Lapsed approvals: granted, but invalid because an approver or the proposer lost the permission, or an approver the
role that the approval requires, before the release.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from foundation.jobs.batch import Batch
from foundation.jobs.types import NoPayload
from governance.changes.plan_writer import CHANGE
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from policy.approval_repository import Approval
from policy.approvals import list_granted
from policy.approvers import missing_approvers
from policy.permissions import PolicyPermission

_PROPOSE: Final = (
    GovernancePermission.PROPOSE_CHANGE,
    GovernancePermission.ROLL_BACK_CHANGE,
    GovernancePermission.ACCEPT_BASELINE,
)


class Lapsed(NamedTuple):
    """Ids of approvals: all lapsed ones in `approvals`; those lapsed because of their proposer also in `proposals`."""

    approvals: frozenset[UUID]
    proposals: frozenset[UUID]


NOBODY: Final = Lapsed(frozenset(), frozenset())


async def find_lapsed(
    batch: Batch[NoPayload], services: GovernanceServices, change_ids: Sequence[UUID | None]
) -> Lapsed:
    """Find the lapsed approvals among the granted ones of these changes.

    Runs in separate transactions before the releasing one: a suspension in between counts as after the release.
    """
    if services.rights is None:
        return NOBODY
    async with batch.read() as session:
        wanted = [one for one in change_ids if one is not None]
        granted = await list_granted(session, batch.scope, subject_kind=CHANGE, subject_ids=wanted)
    if not granted:
        return NOBODY
    deciders = {name for one in granted for name in _deciders(one)}
    decide = await services.rights.find(batch.scope, deciders, permissions=(PolicyPermission.DECIDE_APPROVAL,))
    authors = {name for one in granted for name in (one.requested_by, one.author)}
    propose = await services.rights.find(batch.scope, authors, permissions=_PROPOSE)
    proposals = set()
    for one in granted:
        # A member's proposals depend on the member only, not on the inviter; a key's also on its creator.
        behind = {one.requested_by} if one.requested_by in propose.members else {one.requested_by, one.author}
        if behind & propose.lapsed:
            proposals.add(one.id)
    answers = {one.id for one in granted if _deciders(one) & decide.lapsed or _lacks_approvers(one, decide.roles)}
    return Lapsed(frozenset(answers | proposals), frozenset(proposals))


def _lacks_approvers(approval: Approval, roles: Mapping[str, frozenset[str]]) -> bool:
    """Whether the approvals given are not enough by the `roles` that the members have now."""
    votes = [
        msgspec.structs.replace(vote, roles=tuple(roles[vote.by])) if vote.by in roles else vote
        for vote in approval.votes
    ]
    return bool(approval.approvers and missing_approvers(approval.approvers, votes))


def _deciders(approval: Approval) -> set[str]:
    """Members whose approvals led to the grant."""
    return {vote.by for vote in approval.votes} | ({approval.decided_by} if approval.decided_by else set())
