"""Template contexts of an item's escalations, on pages of approvals and exceptions, and of the form of a ladder."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from foundation.i18n.localizer import translate
from governance.authors import name_authors
from governance.escalations.form import UNITS
from governance.escalations.queries import read_escalation
from governance.escalations.roles import label_of, roles_to_notify
from governance.escalations.schemas import EscalationSubject, OpenItem
from governance.escalations.timeline import build_escalations
from policy.index import PolicyIndex
from policy.packaged import CLIENT_ROLES
from tenants.access import Access


async def draw_escalation(access: Access, item: OpenItem) -> dict[str, Any]:
    """The context of `governance/escalation_steps.html`, and `steps` for a timeline."""
    found = await read_escalation(access.session, item)
    members = {one for step in found.reached for one in step.notified}
    names = await name_authors(access.session, members, me=str(access.principal.id)) if members else {}
    notified = [", ".join(dict.fromkeys(names[one] for one in step.notified)) for step in found.reached]
    return {
        "escalation": found,
        "notified": notified,
        "steps": build_escalations(found, notified),
        "time_of": lambda step: timedelta(minutes=step.after_minutes),
    }


def ladder_choices(index: PolicyIndex, *, of_msp: bool) -> Mapping[str, object]:
    """The options of `governance/ladder_fields.html`."""
    roles = {role for one in EscalationSubject for role in roles_to_notify(index, one)}
    composed = index.role_names if of_msp else {}
    return {
        "subjects": [(str(one), translate(one.label)) for one in EscalationSubject],
        "units": [(name, translate(label)) for name, (_, label) in UNITS.items()],
        "roles": sorted(
            ((role, label_of(role, index.role_names, composed.get(role, ""))) for role in roles),
            key=lambda one: (one[0] not in CLIENT_ROLES, one[1]),
        ),
    }
