"""Rules as sentences, in the reader's language: “List price: up by more than 5%, in EU → needs approval”."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_
from governance.messages.writer import write_message
from governance.policies.schemas import RuleSource, RuleView
from policy.casbin_line import casbin_text
from policy.role_labels import names_among, role_label
from policy.rule_form import GovernedElement, RuleOrigin, RuleOutcome, outcome_of, roles_named_by
from policy.rules import PolicyRule, shows_values
from policy.term_messages import FROM_BASELINE, FROM_PROPOSAL, FROM_ROLLBACK, FROM_SOURCE, describe_terms
from policy.terms import Term, TermKind, read_terms
from tenants.relations import PARTNERS

_ALWAYS: Final = N_("always")
_SENTENCE: Final = N_("{element}: {conditions} → {outcome}")
_BY: Final = N_("{outcome}: {approvers}")
_FROM: Final = {
    RuleOrigin.SOURCE: FROM_SOURCE,
    RuleOrigin.PROPOSAL: FROM_PROPOSAL,
    RuleOrigin.ROLLBACK: FROM_ROLLBACK,
    RuleOrigin.BASELINE: FROM_BASELINE,
}


class RuleWriter:
    """Writes rules of the account `domain`. `elements`, `partners` and `roles` (names by id) are those it names."""

    def __init__(
        self,
        domain: str,
        elements: Mapping[str, GovernedElement],
        partners: Mapping[str, str],
        roles: Mapping[str, str] | None = None,
    ) -> None:
        self._domain, self._elements, self._partners, self._roles = domain, elements, partners, roles

    def write(self, rule: PolicyRule) -> RuleView:
        element = self._elements.get(rule.obj) or GovernedElement(rule.obj, rule.obj, "")
        if shows_values(rule):
            return self._write_show(rule, element)
        terms = read_terms(rule.condition, element.value_type)
        conditions = rule.condition if terms is None else self._conditions(rule.sub, terms, element)
        outcome = outcome_of(rule)
        origin = translate(RuleOrigin.of(rule.sub).label) if rule.sub in set(RuleOrigin) else rule.sub
        outcome_label, approvers = translate(outcome.label), describe_approvers(rule, self._roles)
        if approvers:
            outcome_label = translate(_BY).format(outcome=outcome_label, approvers=approvers)
        return RuleView(
            id=rule.id,
            element=rule.obj,
            element_label=element.label,
            outcome=outcome,
            outcome_label=outcome_label,
            origin=rule.sub,
            origin_label=origin,
            terms=terms,
            conditions=conditions,
            sentence=translate(_SENTENCE).format(element=element.label, conditions=conditions, outcome=outcome_label),
            reason=rule.description,
            approver=rule.approver,
            approvals=rule.approvals,
            approvers_label=approvers,
            source=_source_of(rule),
            locked=rule.locked,
            inherited_sentence="" if rule.overrides is None else self.write(rule.overrides).sentence,
            casbin=casbin_text(replace(rule, dom=self._domain)),
        )

    def _write_show(self, rule: PolicyRule, element: GovernedElement) -> RuleView:
        """View of a rule about the visibility of values, which decides no change."""
        label, role = translate(RuleOutcome.SHOW.label), role_label(rule.sub, self._roles)
        conditions = translate(N_("seen by {role}"), role=role)
        return RuleView(
            id=rule.id, element=rule.obj, element_label=element.label, outcome=RuleOutcome.SHOW, outcome_label=label,
            origin=rule.sub, origin_label=role, terms=(), conditions=conditions,
            sentence=translate(_SENTENCE).format(element=element.label, conditions=conditions, outcome=label),
            reason=rule.description, approver="", approvals=1, approvers_label="", source=_source_of(rule),
            locked=rule.locked,
            inherited_sentence="" if rule.overrides is None else self.write(rule.overrides).sentence,
            casbin=casbin_text(replace(rule, dom=self._domain)),
        )  # fmt: skip

    def _conditions(self, origin: str, terms: Sequence[Term], element: GovernedElement) -> str:
        messages = describe_terms(terms, element.value_type, names={**self._partners, **(self._roles or {})})
        if origin in _FROM:
            messages.append(_FROM[RuleOrigin.of(origin)].fill())
        localizer = current_localizer()
        written = [write_message(one, localizer) for one in messages]
        return ", ".join(written if origin in set(RuleOrigin) else [*written, origin]) or translate(_ALWAYS)


def describe_approvers(rule: PolicyRule, names: Mapping[str, str] | None = None) -> str:
    """Required approvers, such as “Finance” or “2 × Finance”; empty if any one approver is enough."""
    if rule.approvers is None:
        return ""
    if not rule.approver:
        return translate(N_("{number} approvers"), number=rule.approvals)
    role = role_label(rule.approver, names)
    return role if rule.approvals == 1 else translate(N_("{number} × {role}"), number=rule.approvals, role=role)


def _source_of(rule: PolicyRule) -> RuleSource:
    if rule.inherited:
        return RuleSource.INHERITED
    return RuleSource.OWN if rule.overrides is None else RuleSource.OVERRIDES


async def build_writer(
    session: AsyncSession, elements: Mapping[str, GovernedElement], rules: Iterable[PolicyRule]
) -> RuleWriter:
    """A writer for `rules`; partners and roles are looked up only when a rule names one."""
    rules = list(rules)
    roles = await names_among(session, named_roles(rules))
    named = any(f"r.ctx.{TermKind.PARTNER.value}" in rule.condition for rule in rules)
    partners = await load_partners(session) if named else {}
    return RuleWriter(str(scope_of(session).tenant_id), elements, partners, roles)


def named_roles(rules: Iterable[PolicyRule]) -> set[str]:
    """Roles that rules name."""
    return {role for rule in rules for role in roles_named_by(rule)}


async def load_partners(session: AsyncSession) -> dict[str, str]:
    """Names of the account's partners by id."""
    rows = await session.execute(
        text(f"SELECT partner_id::text AS id, name FROM {PARTNERS} p WHERE tenant_id = :t ORDER BY name"),
        {"t": scope_of(session).tenant_id},
    )
    return {row.id: row.name for row in rows}
