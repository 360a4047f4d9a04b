"""View of a rule's form: fields of the element's kind, and the account's choices."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from governance.permissions import GovernancePermission
from governance.policies import repository
from governance.policies.elements import load_elements
from governance.policies.form import ticked_names, write_fields
from governance.policies.sentences import load_partners
from governance.records.repository import load_channels
from governance.services import GovernanceServices
from policy.approvers import MOST_APPROVALS
from policy.history import load_rules
from policy.index import PolicyIndex, all_roles, approver_roles, roles_with
from policy.role_labels import role_label
from policy.rule_form import RuleOrigin, RuleOutcome, read_form
from policy.term_messages import DAYS
from policy.terms import Direction, Membership, TermComparison, TermKind, kinds_of


async def find_rule(session: AsyncSession, rule_id: str) -> dict[str, str]:
    """The fields of a rule of the draft, or else of the published policy.

    Raises:
        NotFound: there is no such rule.
        Conflict: its element is retired, or the form cannot show it; it is edited over the API or by command, or
        removed.
    """
    _, rules = await load_rules(session, scope_of(session))
    draft = await repository.find_draft(session)
    known = {rule.id: rule for rule in rules} | dict({} if draft is None else draft.edits)
    rule = known.get(rule_id)
    if rule is None:
        raise NotFound
    element = (await load_elements(session)).get(rule.obj)
    if element is not None and element.is_retired:
        raise Conflict(
            N_("The element of this rule is retired, so the rule has no effect. You can remove it or leave it.")
        )
    form = None if element is None else read_form(rule, element.value_type)
    fields = None if form is None else write_fields(form)
    if fields is None:
        raise Conflict(
            N_("This rule was written by hand, so the form cannot show it. Add another, and remove this one.")
        )
    return fields


async def rule_context(
    session: AsyncSession, services: GovernanceServices, rule_id: str, fields: Mapping[str, str]
) -> dict[str, Any]:
    """Template context of the form, with its input."""
    elements = {code: one for code, one in (await load_elements(session)).items() if not one.is_retired}
    element = elements.get(fields.get("element", ""))
    channels = [] if element is None else await load_channels(session, services.runtime.registry)
    index = await services.policies.index_for(session, scope_of(session))
    return {
        "rule_id": rule_id,
        "fields": fields,
        "element_view": element,
        "elements": sorted(((one.code, one.label) for one in elements.values()), key=lambda pair: pair[1]),
        "kinds": frozenset() if element is None else kinds_of(element.value_type, element.dimensions),
        "origins": [(one.value, translate(one.label)) for one in RuleOrigin],
        "outcomes": [(one.value, translate(one.label), translate(_ABOUT[one])) for one in _ABOUT],
        "comparisons": [(one.value, translate(one.label)) for one in TermComparison],
        "memberships": [(one.value, translate(one.label)) for one in Membership],
        "directions": [("", translate(N_("up or down"))), *((one.value, translate(one.label)) for one in Direction)],
        "roles": _label_roles(index, all_roles(index)),
        "proposer_roles": _label_roles(index, _proposers(index, fields)),
        "weekdays": [(day, translate(message.text)) for day, message in DAYS.items()],
        "labels": {one.value: translate(one.label) for one in TermKind},
        "known": {
            TermKind.CHANNEL.value: sorted({one.name for one in channels}),
            TermKind.CHANNEL_KIND.value: sorted({one.kind for one in channels if one.kind}),
            TermKind.JURISDICTION.value: sorted({one.jurisdiction for one in channels if one.jurisdiction}),
        },
        "approvers": [("", translate(N_("Any approver"))), *_label_roles(index, approver_roles(index))],
        "numbers": [(str(number), str(number)) for number in range(1, MOST_APPROVALS + 1)],
        "partners": [("", translate(N_("Any"))), *(await load_partners(session)).items()],
    }


def _proposers(index: PolicyIndex, fields: Mapping[str, str]) -> list[str]:
    """Roles of those who propose values or roll changes back, and others that the rule names already."""
    proposing = (GovernancePermission.PROPOSE_CHANGE, GovernancePermission.ROLL_BACK_CHANGE)
    may = roles_with(index, *((obj, act) for obj, _, act in (one.partition(":") for one in proposing)))
    return sorted({*may, *ticked_names(TermKind.PROPOSER_ROLE, fields)})


def _label_roles(index: PolicyIndex, roles: Iterable[str]) -> list[tuple[str, str]]:
    """Roles with their labels. A label of both sides, such as the supervisor's, names the service provider's side."""
    labels = {role: role_label(role, index.role_names) for role in roles}
    shared = {label for label, number in Counter(labels.values()).items() if number > 1}
    return [
        (role, translate("{role} of the service provider", role=label))
        if label in shared and role.startswith("msp_")
        else (role, label)
        for role, label in labels.items()
    ]


_ABOUT = {
    RuleOutcome.AUTO: N_("It is released at once, unless another rule refuses it or asks for approval."),
    RuleOutcome.REVIEW: N_("An approver other than its author answers, unless another rule refuses it."),
    RuleOutcome.REFUSE: N_("It is not released, and an exception is opened."),
    RuleOutcome.NO_REVIEW: N_(
        "Overrides every rule that asks for approval. Another rule must still let the change pass."
    ),
    RuleOutcome.NO_REFUSE: N_("Overrides every rule that refuses the change."),
    RuleOutcome.NO_AUTO: N_("Overrides every rule that lets the change pass, so that it needs approval."),
}
