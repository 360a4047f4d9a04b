"""Explanation of an approval: what it is bound to now, the facts that the rule compared, and the alternatives."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import element_type
from canonical.values import Value
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.i18n.localizer import current_localizer, translate
from governance.approvals.boundaries import ComparedValues, last_passing, list_boundaries
from governance.approvals.facts import DecisionFacts, compare_facts
from governance.approvals.queries import read_approval
from governance.approvals.schemas import Alternative, ApprovalDetail, ComparedFact, DecisionExplanation
from governance.changes.month_values import load_recorded_month_values
from governance.changes.planner import DecisionSnapshot, content_of, old_value_of, strictest_decision
from governance.changes.read_observations import load_snapshot
from governance.changes.repository import load_changes
from governance.changes.rows import ChangeRow
from governance.labels import write_value
from governance.records.reference_values import known_cost
from governance.services import GovernanceServices
from policy.facts import MONTH_FACT, value_facts
from policy.history import list_versions, load_rules, undo
from policy.redaction import HIDDEN, is_hidden
from policy.role_labels import names_among, role_label
from policy.rule_form import proposer_roles_of
from policy.rules import PolicyOutcome, PolicyRule, RuleKind
from policy.states import ApprovalState
from policy.time_facts import time_facts
from tenants.relations import PARTNERS


async def describe_approval(session: AsyncSession, services: GovernanceServices, change_id: UUID) -> ApprovalDetail:
    """The newest approval of a change with its `explanation`. Nothing is locked. Raises NotFound."""
    detail = await read_approval(session, change_id)
    change = next(iter(await load_changes(session, [detail.change.id], lock=False)))
    snapshot = await load_snapshot(session, services, [change.key], awaiting=False, lock=False)
    then, now = await _load_rules(session, change)
    is_pending = detail.approval.state == ApprovalState.PENDING
    return msgspec.structs.replace(
        detail,
        explanation=DecisionExplanation(
            content=content_now(change, snapshot) if is_pending else "",
            facts=await _list_facts(session, change, snapshot, then),
            alternatives=await _list_alternatives(session, detail, change, snapshot, now) if is_pending else [],
        ),
    )


def content_now(change: ChangeRow, snapshot: DecisionSnapshot) -> str:
    """Content hash, in hex, that an approval of the change has on the data of `snapshot`; empty without a value or
    contract.
    """
    try:
        return content_of(change, snapshot).hex()
    except LookupError:
        return ""


async def _load_rules(session: AsyncSession, change: ChangeRow) -> tuple[Sequence[PolicyRule], Sequence[PolicyRule]]:
    """The element's rules: those by which the change was decided, and those in force."""
    scope = scope_of(session)
    version, rules = await load_rules(session, scope)
    earlier: Sequence[PolicyRule] = rules
    if change.policy_version < version:
        earlier = undo(rules, await list_versions(session, scope, after=change.policy_version))
    return _of_element(earlier, change.element), _of_element(rules, change.element)


def _of_element(rules: Sequence[PolicyRule], element: str) -> Sequence[PolicyRule]:
    return [rule for rule in rules if rule.ptype is RuleKind.GOVERNANCE and rule.obj == element]


async def _list_facts(
    session: AsyncSession, change: ChangeRow, snapshot: DecisionSnapshot, rules: Sequence[PolicyRule]
) -> list[ComparedFact]:
    """Facts of the decision; none if the element's values are hidden from the reader."""
    if is_hidden(change.element):
        return []
    rule = next((rule for rule in rules if rule.id == change.rule_id), None)
    named = proposer_roles_of(rule) if rule is not None else frozenset()
    roles = await names_among(session, named)
    names = await _load_partners(session) | {role: role_label(role, roles) for role in named}
    return compare_facts(await _load_facts(session, change, snapshot, rules), rule, names=names)


async def _load_facts(
    session: AsyncSession, change: ChangeRow, snapshot: DecisionSnapshot, rules: Sequence[PolicyRule]
) -> DecisionFacts:
    """Facts recorded with the change, and the present facts of its channels."""
    zone = snapshot.contracts.zone
    month = await _load_month(session, change, zone) if any(MONTH_FACT in rule.condition for rule in rules) else None
    facts = value_facts(change.element, change.dimension, change.old_value, change.new_value, change.cost_value, month)
    channels = [
        one for one in snapshot.targets(change.key) if change.targets is None or one.connection_id in change.targets
    ]
    facts |= time_facts(change.proposed_at, zone)
    cost = HIDDEN if change.cost_value is not None and is_hidden(_reference_of(change)) else change.cost_value
    names = await names_among(session, change.author_roles)
    roles = [role_label(role, names) for role in change.author_roles]
    return DecisionFacts(facts, change.old_value, change.new_value, cost, channels, roles)


def _reference_of(change: ChangeRow) -> str:
    """The element that the value is compared with, such as the cost; empty if there is none."""
    known = element_type(change.element)
    return known.policy_reference if known is not None else ""


async def _load_month(session: AsyncSession, change: ChangeRow, zone: tzinfo) -> Value | None:
    return (await load_recorded_month_values(session, [change.id], zone)).get(change.id)


async def _load_partners(session: AsyncSession) -> dict[str, str]:
    """Names of the account's partners by id, for the partner that is a fact of a channel."""
    rows = await session.execute(
        text(f"SELECT partner_id::text AS id, name FROM {PARTNERS} p WHERE tenant_id = :t"),
        {"t": scope_of(session).tenant_id},
    )
    return {row.id: row.name for row in rows}


async def _list_alternatives(
    session: AsyncSession,
    detail: ApprovalDetail,
    change: ChangeRow,
    snapshot: DecisionSnapshot,
    rules: Sequence[PolicyRule],
) -> list[Alternative]:
    localizer = current_localizer()
    found = list(_passing(change, snapshot, rules))
    passed = [one.channel for one in detail.elsewhere if one.outcome == PolicyOutcome.AUTO]
    if passed:
        sentence = translate(
            "It passed automatically on {channels}, regardless of the answer here.", channels=", ".join(passed)
        )
        found.append(Alternative("other_channels", sentence))
    found.append(await _other_value(session, change, snapshot))
    kept = change.old_value
    decline = translate("Decline: it is not published.")
    if kept is not None and not is_hidden(change.element):
        decline = translate("Decline: buyers keep seeing {value}.", value=write_value(kept))
    found.append(Alternative("decline", decline))
    expires = localizer.moment(detail.approval.expires_at)
    found.append(Alternative("wait", translate("Without an answer it expires on {when}, unpublished.", when=expires)))
    return found


def _passing(change: ChangeRow, snapshot: DecisionSnapshot, rules: Sequence[PolicyRule]) -> Iterator[Alternative]:
    """Yield the last value towards the proposed one that the policy in force lets pass on all channels."""
    row = snapshot.values.get(change.key)
    if row is None or is_hidden(change.element) or is_hidden(_reference_of(change)):  # the value would reveal them
        return
    old = old_value_of(change, row)
    cost, month = known_cost(snapshot.values, change.key), snapshot.month.get(change.key)

    def passes(value: Value) -> bool:
        tried = msgspec.structs.replace(change, new_value=value)
        return strictest_decision(tried, row, snapshot).outcome is PolicyOutcome.AUTO

    last = last_passing(list_boundaries(ComparedValues(old, change.new_value, month, cost), rules), passes)
    if last is not None and old is not None:
        yield Alternative("pass", _up_to(old, last, change.new_value), last)


def _up_to(old: Value, last: Value, new: Value) -> str:
    """Sentence of the alternative. Values are ordered here: boundaries exist between numbers only."""
    rises = getattr(new, "number", 0) > getattr(old, "number", 0)
    if rises:
        return translate("Up to {value} it passes automatically.", value=write_value(last))
    return translate("Down to {value} it passes automatically.", value=write_value(last))


async def _other_value(session: AsyncSession, change: ChangeRow, snapshot: DecisionSnapshot) -> Alternative:
    contract = snapshot.contracts.find(change.key)
    if contract is None or contract.source_connection_id is None:
        return Alternative("propose", translate("Propose another value."))
    name = await session.scalar(
        text(f"SELECT name FROM {CONNECTIONS} n WHERE tenant_id = :t AND id = :id"),
        {"t": scope_of(session).tenant_id, "id": contract.source_connection_id},
    )
    return Alternative("source", translate("Set another value in {system}, its source of truth.", system=name or "—"))
