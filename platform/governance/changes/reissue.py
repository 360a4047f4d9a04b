"""Reissue of pending approvals after the cost they are judged by has moved. Pure, as planning is.

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
            or any(asked.answered for asked in waiting)
        ):
            continue
        old = [asked.change for asked in waiting if _is_outdated(asked, snapshot)]
        if not old:
            continue
        row = plan.values[key] = snapshot.values[key]
        plan.superseded.add(key)
        settle_source(old[-1].again(old[-1].targets), row, snapshot, plan)


def _is_outdated(asked: Awaiting, snapshot: DecisionSnapshot) -> bool:
    return asked.change.origin == SOURCE and asked.content_hash != content_of(asked.change, snapshot)
