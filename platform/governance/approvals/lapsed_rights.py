"""Granted approvals that no longer count, because somebody behind them lost their rights before they were used."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from foundation.jobs.batch import Batch
from governance.changes.plan_writer import CHANGE
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
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


async def find_lapsed(batch: Batch, services: GovernanceServices, change_ids: Sequence[UUID | None]) -> Lapsed:
    """Among the granted approvals of these changes. In transactions of its own, before the one that uses them: whoever
    is suspended in between was suspended after the release.
    """
    if services.rights is None:
        return NOBODY
    async with batch.read() as session:
        wanted = [one for one in change_ids if one is not None]
        granted = await list_granted(session, batch.scope, subject_kind=CHANGE, subject_ids=wanted)
    if not granted:
        return NOBODY
    deciders = {one.decided_by for one in granted if one.decided_by}
    decide = await services.rights.find(batch.scope, deciders, permissions=(PolicyPermission.DECIDE_APPROVAL,))
    authors = {name for one in granted for name in (one.requested_by, one.author)}
    propose = await services.rights.find(batch.scope, authors, permissions=_PROPOSE)
    proposals = set()
    for one in granted:
        # A person answers for their own proposals, whoever invited them; for a key's, its maker does too.
        behind = {one.requested_by} if one.requested_by in propose.people else {one.requested_by, one.author}
        if behind & propose.lapsed:
            proposals.add(one.id)
    answers = {one.id for one in granted if one.decided_by in decide.lapsed}
    return Lapsed(frozenset(answers | proposals), frozenset(proposals))
