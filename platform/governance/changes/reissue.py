"""A question that waits for a person is put anew when the cost it is judged by has moved. Pure, as planning is.

Whoever looks at the old question cannot answer it any more. An answer that was given before is left to its release,
which finds that it no longer fits and says so: nobody's answer is lost without a word.
"""

from governance.changes.planner import SOURCE, DecisionSnapshot, Plan, content_of, settle_source
from governance.changes.rows import Awaiting


def reissue_approvals(plan: Plan, snapshot: DecisionSnapshot) -> None:
    """For what `plan` took over; what it decided about itself stands."""
    moved = {taken.item.observation.record_key for taken in plan.reference_updates}
    for key, waiting in snapshot.awaiting.items():
        if key[0] not in moved or key in plan.superseded or any(asked.answered for asked in waiting):
            continue
        old = [asked.change for asked in waiting if _is_outdated(asked, snapshot)]
        if not old:
            continue
        row = plan.values[key] = snapshot.values[key]
        plan.superseded.add(key)
        settle_source(old[-1].again(old[-1].targets), row, snapshot, plan)


def _is_outdated(asked: Awaiting, snapshot: DecisionSnapshot) -> bool:
    return asked.change.origin == SOURCE and asked.content_hash != content_of(asked.change, snapshot)
