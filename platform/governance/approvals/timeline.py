"""Timeline of an approval. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from foundation.i18n.localizer import translate
from governance.approvals.schemas import ApprovalDetail
from governance.changes.timeline import TimelineEntry, build_answers


def build_timeline(
    detail: ApprovalDetail, names: Mapping[str, str], steps: Iterable[TimelineEntry]
) -> list[TimelineEntry]:
    """Build the timeline, newest first, with the escalations `steps`. `names`: of all actors."""
    requested, *answers = build_answers(detail.approval, names)
    requested = msgspec.structs.replace(requested, by=names[detail.approval.requested_by], text=detail.change.note)
    given = [
        TimelineEntry(vote.at, translate("One approval given"), "ok", "approve", names[vote.by], vote.reason, place=2)
        for vote in detail.votes
    ]
    entries = [requested, *answers, *given, *steps]
    return sorted(entries, key=lambda one: (one.at, one.place), reverse=True)
