"""Processes of a client: source, deciding rules, approvers and channels of each element. In the client's scope."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from markupsafe import Markup
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from branding.flow_map import Flow, flow_map
from canonical.elements import element_type
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_, NN_
from governance.connections.schemas import ContractView
from governance.elements.declarations import is_retired
from governance.elements.selector_labels import write_selector
from governance.labels import write_element
from governance.policies.elements import load_elements
from governance.policies.sentences import RuleWriter, build_writer, describe_approvers
from governance.records.routing import takes_element
from policy.history import load_rules
from policy.role_labels import names_among
from policy.rules import Effect, PolicyOutcome, PolicyRule, RuleKind

MOST_DRAWN: Final = 60
"""Elements in the drawing; the table has all."""
_RULES: Final = NN_("{number} rule", "{number} rules")
_CHANNELS: Final = text(f"""
    SELECT k.element, k.selector, n.name
      FROM element_contract k JOIN {CONNECTIONS} n ON n.tenant_id = k.tenant_id AND {takes_element("n", "k")}
     WHERE k.tenant_id = :t AND NOT {is_retired("k")} ORDER BY k.element, k.selector, n.name, n.id
""")


class ProcessRow(msgspec.Struct, frozen=True, kw_only=True):
    """Data flow of an element, or of the part that a contract selects. `source_id` is null where people and API clients
    set the values. `rules`: sentences of the rules about the element, in the policy's order; without any, every change
    needs approval. `approvers`: the roles that answer approvals; any approver of the client if no rule names a role.
    `channels`: names of the connections that get the values.
    """

    element: str
    label: str
    part: str
    source: str
    source_id: UUID | None
    rules: Sequence[str]
    approvers: Sequence[str]
    channels: Sequence[str]


async def read_processes(session: AsyncSession, contracts: Sequence[ContractView]) -> list[ProcessRow]:
    """One row for each of `contracts`."""
    scope = scope_of(session)
    channels: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for row in await session.execute(_CHANNELS, {"t": scope.tenant_id}):
        channels[row.element, row.selector].append(row.name)
    _, known = await load_rules(session, scope)
    rules: defaultdict[str, list[PolicyRule]] = defaultdict(list)
    for rule in known:
        if rule.ptype is RuleKind.GOVERNANCE:
            rules[rule.obj].append(rule)
    own = [rule for one in contracts for rule in rules.get(one.element, ())]
    writer = await build_writer(session, await load_elements(session), own)
    roles = await names_among(session, {rule.approver for rule in own} - {""})
    return [
        ProcessRow(
            element=one.element, label=write_element(one.element),
            part=write_selector(one.selector) if one.selector else "", source=one.source,
            source_id=one.source_connection_id, rules=_sentences(writer, rules.get(one.element, ())),
            approvers=_approvers(rules.get(one.element, ()), roles),
            channels=channels[one.element, one.selector] if _is_sent(one.element) else [],
        )
        for one in contracts
    ]  # fmt: skip


def _is_sent(element: str) -> bool:
    """Whether channels get the element. Values of others, such as costs, serve as references only."""
    known = element_type(element)
    return known is None or known.distributed


def _sentences(writer: RuleWriter, rules: Sequence[PolicyRule]) -> list[str]:
    return [writer.write(rule).sentence for rule in rules]


def _approvers(rules: Sequence[PolicyRule], roles: Mapping[str, str]) -> list[str]:
    reviews = [rule for rule in rules if rule.act == PolicyOutcome.REVIEW and rule.effect is Effect.ALLOW]
    named = [describe_approvers(rule, roles) or translate(N_("any approver")) for rule in reviews]
    return list(dict.fromkeys(named)) or [translate(N_("any approver"))]


def draw_processes(rows: Sequence[ProcessRow], client: str) -> Markup:
    """The first MOST_DRAWN rows as a drawing."""
    drawn = rows[:MOST_DRAWN]
    localizer = current_localizer()
    flows = [
        Flow(
            one.source,
            f"{one.label} · {one.part}" if one.part else one.label,
            " · ".join([
                localizer.count(*_RULES, len(one.rules)) if one.rules else translate(N_("no rule")),
                localizer.join(one.approvers),
            ]),
            one.channels,
        )
        for one in drawn
    ]  # fmt: skip
    about = translate(
        N_("{number} of {total} elements, each with its source, its rules and approvers, and the channels that get it. "
           "The table has the same."),
        number=len(drawn), total=len(rows),
    )  # fmt: skip
    headings = (translate(N_("Source of truth")), translate(N_("Element, rules, approvers")), translate(N_("Channels")))
    return flow_map("process-map", translate(N_("Process map of {client}"), client=client), about, headings, flows)
