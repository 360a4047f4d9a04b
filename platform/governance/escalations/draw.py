"""What the card of an item's escalation needs, for the pages of approvals and exceptions."""

from datetime import timedelta

from governance.authors import name_authors
from governance.escalations.queries import read_escalation
from governance.escalations.schemas import OpenItem
from tenants.access import Access


async def draw_escalation(access: Access, item: OpenItem) -> dict[str, object]:
    """The context of `governance/escalation_steps.html`."""
    found = await read_escalation(access.session, item)
    members = {one for step in found.reached for one in step.notified}
    names = await name_authors(access.session, members, me=str(access.principal.id)) if members else {}
    return {
        "escalation": found,
        "notified": [", ".join(dict.fromkeys(names[one] for one in step.notified)) for step in found.reached],
        "time_of": lambda step: timedelta(minutes=step.after_minutes),
    }
