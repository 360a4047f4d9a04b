"""Granted approvals that no longer count, because somebody behind them lost their rights before they were used."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from foundation.jobs.batch import LaneRun
from governance.changes.plan_writer import CHANGE
from governance.permissions import GovernancePermission
from governance.services import Context
from policy.approvals import list_granted
from policy.permissions import PolicyPermission

_PROPOSE: Final = (
    GovernancePermission.PROPOSE_CHANGE,
    GovernancePermission.ROLL_BACK_CHANGE,
    GovernancePermission.ACCEPT_BASELINE,
)


class Lapsed(NamedTuple):
    """Ids of approvals: `approvals` do not count any more; those in `proposals` because of who proposed."""

    approvals: frozenset[UUID]
    proposals: frozenset[UUID]


NOBODY: Final = Lapsed(frozenset(), frozenset())


async def find_lapsed(run: LaneRun, context: Context, change_ids: Sequence[UUID | None]) -> Lapsed:
    """Among the granted approvals of these changes. In transactions of its own, before the one that uses them: whoever
    is suspended in between was suspended after the release.
    """
    if context.rights is None:
        return NOBODY
    async with run.reading() as session:
        wanted = [one for one in change_ids if one is not None]
        granted = await list_granted(session, run.scope, subject_kind=CHANGE, subject_ids=wanted)
    if not granted:
        return NOBODY
    deciders = {one.decided_by for one in granted if one.decided_by}
    decide = await context.rights.find(run.scope, deciders, permissions=(PolicyPermission.DECIDE_APPROVAL,))
    authors = {name for one in granted for name in (one.requested_by, one.author)}
    propose = await context.rights.find(run.scope, authors, permissions=_PROPOSE)
    proposals = set()
    for one in granted:
        # A person answers for their own proposals, whoever invited them; for a key's, its maker does too.
        behind = {one.requested_by} if one.requested_by in propose.people else {one.requested_by, one.author}
        if behind & propose.lapsed:
            proposals.add(one.id)
    answers = {one.id for one in granted if one.decided_by in decide.lapsed}
    return Lapsed(frozenset(answers | proposals), frozenset(proposals))
