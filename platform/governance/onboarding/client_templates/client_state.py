"""Content of clients in the form of a template. In a client's scope with the rules of its policy, which cannot be read
across clients; in the fleet's scope without them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from msgspec.structs import asdict
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from branding.client_brands import load_parts
from branding.client_parts import NO_PARTS
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from governance.elements.declarations import is_retired
from governance.elements.schemas import Sensitivity, Workflow
from governance.escalations.ladder import find_own_steps, load_ladders
from governance.escalations.schemas import EscalationStep
from governance.onboarding.client_templates.billing_state import list_not_live, read_billing
from governance.onboarding.client_templates.compare import ClientState
from governance.onboarding.client_templates.content import (
    TemplateBrand,
    TemplateConnection,
    TemplateContent,
    TemplateContract,
    TemplateLadder,
    TemplateNotifications,
    TemplateWaiver,
    rule_of,
)
from governance.onboarding.steps import OnboardingCheck
from policy.history import load_rules
from policy.inheritance import inherited_rule
from policy.packaged import SYSTEM_ROLES
from policy.rules import RuleKind
from tenants.client_brands.schemas import own_parts
from tenants.notifications.defaults import load_defaults

_CONNECTIONS: Final = text(f"""
    SELECT tenant_id, id, name, kind FROM {CONNECTIONS} n
     WHERE tenant_id = ANY (:ids) AND state <> 'deleted' ORDER BY name, id
""")
_CONTRACTS: Final = f"""
    SELECT k.tenant_id, k.element, k.selector, n.name AS source, k.owner, k.workflow, k.sensitivity,
           k.propagation_slo_ms, k.correction_slo_ms, k.decision_slo_ms, k.approval_ttl_s,
           k.channels
      FROM element_contract k
      LEFT JOIN {CONNECTIONS} n ON n.tenant_id = k.tenant_id AND n.id = k.source_connection_id AND n.state <> 'deleted'
     WHERE k.tenant_id = ANY (:ids) AND (k.source_connection_id IS NULL OR n.id IS NOT NULL)
"""
_ORDER: Final = " ORDER BY k.element, k.selector"
_NOT_RETIRED: Final = f" AND NOT {is_retired('k')}"
"""Declarations of elements are not read across clients."""
_WAIVERS: Final = text("""
    SELECT tenant_id, check_name, reason FROM onboarding_waiver WHERE tenant_id = ANY (:ids) ORDER BY check_name
""")


async def read_state(session: AsyncSession, *, now: datetime) -> ClientState:
    """The content of the scope's client."""
    scope = scope_of(session)
    found = (await read_states(session, [scope.tenant_id], now=now))[scope.tenant_id]
    _, rules = await load_rules(session, scope)
    own = [rule_of(one) for one in rules if one.ptype is RuleKind.GOVERNANCE]
    content = TemplateContent(
        connections=found.content.connections, contracts=found.content.contracts, rules=own,
        waivers=found.content.waivers, prices=found.content.prices,
    )  # fmt: skip
    bases = {one.id: inherited_rule(one) for one in rules}
    return ClientState(
        content=content, ids=found.ids, locked={key for key, base in bases.items() if base is not None and base.locked},
        plans=found.plans, steps=found.steps, brand=found.brand, notifications=found.notifications,
        is_live=found.is_live,
    )  # fmt: skip


async def read_own_content(session: AsyncSession, *, now: datetime) -> TemplateContent:
    """Content of the scope's client for a template, without parts inherited from its MSP, which every client has.
    Includes a plan if the client has exactly one, and the ladder if it names no role composed by the client.
    """
    scope = scope_of(session)
    state = (await read_states(session, [scope.tenant_id], now=now))[scope.tenant_id]
    notifications = state.notifications
    found, steps = state.content, await find_own_steps(session)
    _, rules = await load_rules(session, scope)
    own = [rule_of(one) for one in rules if one.ptype is RuleKind.GOVERNANCE and not one.inherited]
    return TemplateContent(
        connections=found.connections, contracts=found.contracts, rules=own, waivers=found.waivers,
        plan=state.plans[0] if len(state.plans) == 1 else None, prices=found.prices,
        brand=None if state.brand == NO_PARTS else TemplateBrand(**own_parts(state.brand)),
        ladder=None if not steps or _names_own(steps) else TemplateLadder(steps),
        notifications=None if notifications is None else TemplateNotifications(**asdict(notifications)),
    )  # fmt: skip


async def read_states(session: AsyncSession, ids: Collection[UUID], *, now: datetime) -> Mapping[UUID, ClientState]:
    """The content of each of these clients, without rules."""
    binds = {"ids": list(ids)}
    connections: defaultdict[UUID, list[Row[Any]]] = defaultdict(list)
    names: dict[UUID, str] = {}
    for row in await session.execute(_CONNECTIONS, binds):
        connections[row.tenant_id].append(row)
        names[row.id] = row.name
    contracts: defaultdict[UUID, list[TemplateContract]] = defaultdict(list)
    condition = "" if scope_of(session).fleet else _NOT_RETIRED
    for row in await session.execute(text(_CONTRACTS + condition + _ORDER), binds):
        contracts[row.tenant_id].append(_contract(row, names))
    waivers: defaultdict[UUID, list[TemplateWaiver]] = defaultdict(list)
    for row in await session.execute(_WAIVERS, binds):
        waivers[row.tenant_id].append(TemplateWaiver(OnboardingCheck.of(row.check_name), row.reason))
    billing, ladders = await read_billing(session, ids, now=now), await load_ladders(session, ids)
    brands, waiting = await load_parts(session, ids), await list_not_live(session, ids)
    notifications = await load_defaults(session, ids)
    return {
        one: ClientState(
            content=TemplateContent(
                connections=_distinct(connections[one]),
                contracts=contracts[one],
                waivers=waivers[one],
                prices=billing[one].content.prices,
            ),
            ids={row.name: row.id for row in connections[one]},
            plans=billing[one].plans,
            steps=ladders[one],
            brand=brands.get(one, NO_PARTS),
            notifications=notifications.get(one),
            is_live=one not in waiting,
        )
        for one in ids
    }


def _names_own(steps: Sequence[EscalationStep]) -> bool:
    """Whether a step names a role that the client composed, which no other client has."""
    return any(one.role not in SYSTEM_ROLES and not one.role_name for one in steps)


def _distinct(rows: Collection[Row[Any]]) -> list[TemplateConnection]:
    """One connection for each name, because contracts name their source by it."""
    return list({row.name: TemplateConnection(row.name, row.kind) for row in rows}.values())


def _contract(row: Row[Any], names: Mapping[UUID, str]) -> TemplateContract:
    """`names` of the connections that are not deleted."""
    chosen = None if row.channels is None else sorted({names[one] for one in row.channels if one in names})
    return TemplateContract(
        channels=chosen, all_channels=chosen is None,
        element=row.element, selector=row.selector, source=row.source, owner=row.owner,
        workflow=Workflow.of(row.workflow),
        sensitivity=Sensitivity.of(row.sensitivity), propagation_slo=timedelta(milliseconds=row.propagation_slo_ms),
        correction_slo=timedelta(milliseconds=row.correction_slo_ms),
        decision_slo=timedelta(milliseconds=row.decision_slo_ms), approval_ttl=timedelta(seconds=row.approval_ttl_s),
    )  # fmt: skip
