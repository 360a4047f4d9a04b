"""Template context of the card of assignee and comments, for the pages of approvals and exceptions."""

from foundation.web.lists import LONGEST_TEXT
from governance.assignments.items import path_of
from governance.assignments.queries import find_assignment, list_comments
from governance.escalations.schemas import EscalationSubject, OpenItem
from governance.permissions import GovernancePermission
from policy.permissions import PolicyPermission
from tenants.access import Access

_ACTS = {
    EscalationSubject.APPROVAL: PolicyPermission.DECIDE_APPROVAL,
    EscalationSubject.EXCEPTION: GovernancePermission.RESOLVE_EXCEPTION,
}


async def draw_discussion(access: Access, item: OpenItem, *, typed: str = "") -> dict[str, object]:
    """The context of `governance/discussion.html`. `typed`: a comment that was refused."""
    return {
        "item_address": f"{access.root}{path_of(item)}",
        "item_is_open": item.is_open,
        "assignment": await find_assignment(access.session, item),
        "comments": await list_comments(access.session, item),
        "may_comment": access.may(_ACTS[item.about]),
        "comment_limit": LONGEST_TEXT,
        "typed_comment": typed,
    }
