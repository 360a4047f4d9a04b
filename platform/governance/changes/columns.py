"""Columns of changes and approvals, and their mapping to view structs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import read_value, to_value
from foundation.i18n.localizer import current_localizer, translate
from foundation.i18n.messages import StoredMessage
from foundation.marks import N_
from governance.changes.schemas import ApprovalView, ApproversView, ChangeView
from governance.impact import to_impact
from governance.messages.writer import write_message
from governance.propagation.schemas import PropagationView
from policy.approvers import Approvers, Vote, count_given
from policy.role_labels import names_among, role_label

CHANGE_COLUMNS: Final = """
    c.id, c.record_key, c.element, c.dimension, c.record_type, c.old_value, c.new_value, c.origin, c.author,
    c.state, c.outcome, c.rule_id, c.reason, c.policy_version, c.cost_value, c.version, c.targets, c.approval_id,
    c.source_event_id, c.committed_at, c.proposed_at, c.decided_at, c.decision_excluded, c.correlation, c.note
"""
_STORED: Final = tuple(name for name in ApprovalView.__struct_fields__ if name not in {"approvers", "impact"})
_BESIDE: Final = ("cause", "approvers", "votes", "impact_amount", "impact_currency")
APPROVAL_COLUMNS: Final = ", ".join(f"a.{name} AS a_{name}" for name in (*_STORED, *_BESIDE))


def to_change(row: Row[Any], channels: Sequence[PropagationView] = ()) -> ChangeView:
    """Map a row of CHANGE_COLUMNS."""
    explanation = msgspec.convert(row.reason, StoredMessage)
    return ChangeView(
        id=row.id,
        record_key=row.record_key,
        element=row.element,
        dimension=row.dimension,
        record_type=row.record_type,
        old=to_value(row.old_value),
        new=read_value(row.new_value),
        origin=row.origin,
        author=row.author,
        state=row.state,
        outcome=row.outcome,
        rule_id=row.rule_id,
        reason=write_message(explanation, current_localizer()),
        explanation=explanation,
        policy_version=row.policy_version,
        cost=to_value(row.cost_value),
        version=row.version,
        targets=row.targets,
        approval_id=row.approval_id,
        source_event_id=row.source_event_id,
        committed_at=row.committed_at,
        proposed_at=row.proposed_at,
        decided_at=row.decided_at,
        decision_excluded=row.decision_excluded,
        correlation=row.correlation,
        note=row.note,
        channels=channels,
    )


def approver_label(role: str, names: Mapping[str, str]) -> str:
    """A role of approvers in the reader's language; for an empty one, any approver."""
    return role_label(role, names) if role else translate(N_("Any approver"))


async def names_of_approvers(session: AsyncSession, rows: Iterable[Row[Any]]) -> Mapping[str, str]:
    """Names of the account's own roles, if one of them must approve. `rows` have APPROVAL_COLUMNS."""
    return await names_among(session, {one["role"] for row in rows for one in row.a_approvers} - {""})


def to_approval(row: Row[Any], names: Mapping[str, str]) -> ApprovalView:
    """Map a row of APPROVAL_COLUMNS. `names` are those of the account's own roles."""
    required = msgspec.convert(row.a_approvers, tuple[Approvers, ...])
    votes = msgspec.convert(row.a_votes, tuple[Vote, ...])
    asked = [
        ApproversView(one.role, approver_label(one.role, names), one.number, count_given(one, votes))
        for one in required
    ]
    stored = {name: getattr(row, f"a_{name}") for name in _STORED}
    approval = ApprovalView(**stored, approvers=asked, impact=to_impact(row, "a_"))
    if row.a_cause is None:
        return approval
    cause = write_message(msgspec.convert(row.a_cause, StoredMessage), current_localizer())
    return msgspec.structs.replace(approval, reason=cause)
