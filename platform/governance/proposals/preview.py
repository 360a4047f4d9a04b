"""Preview of a proposal: the decision that policy would make now. Nothing is written."""

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.values import Value
from foundation.i18n.localizer import current_localizer
from governance.changes.columns import approver_label
from governance.changes.planner import DecisionSnapshot
from governance.changes.propose import plan_proposal
from governance.changes.rows import ChangeRow
from governance.changes.schemas import ApproversView
from governance.messages.writer import write_message
from governance.proposals.schemas import DecisionPreview, ProposalPreview
from governance.services import GovernanceServices
from policy.role_labels import names_among


async def preview_proposal(
    session: AsyncSession, services: GovernanceServices, *, key: ElementKey, value: Value, note: str = ""
) -> ProposalPreview:
    """Raises OwnedByItsSource, NothingToChange, InvalidInput: see `governance.changes.propose`."""
    planned = await plan_proposal(session, services, key=key, value=value, note=note)
    snapshot, changes = planned.snapshot, planned.changes
    roles = {one.role for change in changes for one in snapshot.approvers.get(change.id, ())} - {""}
    names = await names_among(session, roles)
    decisions = [
        DecisionPreview(
            change.outcome, write_message(change.reason, current_localizer()), change.rule_id,
            _channels(change, snapshot),
            [
                ApproversView(one.role, approver_label(one.role, names), one.number, 0)
                for one in snapshot.approvers.get(change.id, ())
            ],
        )
        for change in changes
    ]  # fmt: skip
    return ProposalPreview(changes[0].old_value, value, snapshot.index.version, decisions)


def _channels(change: ChangeRow, snapshot: DecisionSnapshot) -> list[str]:
    reached = snapshot.targets(change.key) if snapshot.contracts.get(change.key).distributed else []
    return sorted(one.name for one in reached if change.targets is None or one.connection_id in change.targets)
