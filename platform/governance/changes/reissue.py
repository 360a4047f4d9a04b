"""Reissue of pending approvals after the cost that policy compares them with has changed. Pure, as planning is.

The pending approval is withdrawn and reissued. One already granted is left to the release job, which finds the stale
content hash and opens an exception.
"""

from governance.changes.planner import SOURCE, DecisionSnapshot, Plan, content_of, settle_source
from governance.changes.rows import Awaiting


def reissue_approvals(plan: Plan, snapshot: DecisionSnapshot) -> None:
    """Reissue outdated approvals of records whose costs `plan` updates; keys that the plan decides are skipped."""
    moved = {
        (seen.record_key, seen.record_type) for taken in plan.reference_updates for seen in [taken.item.observation]
    }
    for key, waiting in snapshot.awaiting.items():
        if (
            (key.record_key, key.record_type) not in moved
            or key in plan.superseded
            or any(pending.answered for pending in waiting)
        ):
            continue
        old = [pending.change for pending in waiting if _is_outdated(pending, snapshot)]
        if not old:
            continue
        row = plan.values[key] = snapshot.values[key]
        plan.superseded.add(key)
        settle_source(old[-1].again(old[-1].targets), row, snapshot, plan)


def _is_outdated(pending: Awaiting, snapshot: DecisionSnapshot) -> bool:
    return pending.change.origin == SOURCE and pending.content_hash != content_of(pending.change, snapshot)
