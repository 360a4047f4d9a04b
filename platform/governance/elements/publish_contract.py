"""Publication of element contracts: one source of truth, an owner, a workflow and two clocks, all required.

Records that get another source by a contract keep their approved values, and pending changes stay pending: the next
value of the new source is decided. The audit entry counts those records.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import COST, PRICE, STOCK, element_type
from connectors.connections import get_connection
from connectors.poll_job import move_poll
from connectors.ports import Connector
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput
from foundation.marks import N_
from foundation.names import clean_name
from foundation.text import has_visible_text
from governance.audit_actions import GovernanceAction
from governance.elements.contract_channels import KEPT_CHANNELS, ContractChannels, choose_channels, send_to_added
from governance.elements.declarations import dimensions_of, find_declaration
from governance.elements.domain_owners import owner_of_domain
from governance.elements.held_observations import schedule_release
from governance.elements.models import ElementContract
from governance.elements.repository import list_contracts_of, lock_contracts, moved_records
from governance.elements.schemas import Assignment, NewContract, Sensitivity, Workflow
from governance.elements.selectors import DEFAULT, check_overlap, parse_selector
from governance.elements.value_rules import ValueRules, check_rules

LONGEST_TARGET: Final = timedelta(days=24)  # milliseconds in 31 bits
LONGEST_LIFETIME: Final = timedelta(days=3650)
MOST_CONTRACTS: Final = 100
"""Contracts of one element. Each value of it is compared with their selectors one by one."""


async def publish_contract(  # noqa: PLR0913 - keyword-only parts of one contract
    session: AsyncSession,
    *,
    element: str,
    selector: str = DEFAULT,
    source_connection_id: UUID | None,
    owner: str,
    workflow: Workflow | None = None,
    sensitivity: Sensitivity | None = None,
    channels: ContractChannels = KEPT_CHANNELS,
    propagation_slo: timedelta,
    correction_slo: timedelta,
    approval_ttl: timedelta = timedelta(days=2),
    decision_slo: timedelta | None = None,
    rules: ValueRules | None = None,
    now: datetime,
) -> ElementContract:
    """Publish a contract, and return it. Without a source connection, people and API clients set the element
    (`governance.changes.propose`).

    `selector`: see `governance.elements.selectors`; with it, the source is that of the selected values only.
    `channels`: see `governance.elements.contract_channels`.
    `workflow`: who decides its changes, from now on; by default as before. Pending approvals stay.
    `decision_slo`: the decision target of approvals; by default a day, at most `approval_ttl`.
    `rules`: validation rules; by default those of the previous version.

    Raises:
        InvalidInput: a part is missing: an element without owner or clocks is not distributed; or the
            selector is invalid or overlaps with another contract's.
        Conflict: the element has MOST_CONTRACTS already, or is retired.
    """
    if not has_visible_text(owner):
        raise InvalidInput(
            N_("A contract needs an owner: the team or person responsible for this element."), field="owner"
        )
    owner = clean_name(owner, field="owner")
    if min(propagation_slo, correction_slo, approval_ttl) <= timedelta(0):
        raise InvalidInput(N_("Each target must be longer than zero."), field="propagation_slo")
    if max(propagation_slo, correction_slo) > LONGEST_TARGET or approval_ttl > LONGEST_LIFETIME:
        raise InvalidInput(
            N_("A target is at most {most} days, an approval's lifetime {lifetime} days."),
            params={"most": LONGEST_TARGET.days, "lifetime": LONGEST_LIFETIME.days},
            field="propagation_slo",
        )
    decision_slo = min(approval_ttl, timedelta(days=1)) if decision_slo is None else decision_slo
    if not timedelta(0) < decision_slo <= approval_ttl:
        raise InvalidInput(
            N_("The decision target must be longer than zero and within the approval's lifetime."), field="decision_slo"
        )
    contract, owned_before = await _lock_contract(session, element, selector)
    before = None if owned_before is None else owned_before.source_connection_id
    if before is not None and source_connection_id is not None and before != source_connection_id:
        await move_poll(session, source_connection_id, old=before, at=now)
    contract.source_connection_id, contract.owner = source_connection_id, owner
    contract.workflow = workflow or contract.workflow or Workflow.POLICY
    contract.sensitivity = sensitivity or contract.sensitivity or Sensitivity.INTERNAL
    was = contract.channels
    contract.channels = was if channels.stay else channels.only
    contract.propagation_slo_ms = _count(propagation_slo, timedelta(milliseconds=1))
    contract.correction_slo_ms = _count(correction_slo, timedelta(milliseconds=1))
    contract.approval_ttl_s = _count(approval_ttl, timedelta(seconds=1))
    contract.decision_slo_ms = _count(decision_slo, timedelta(milliseconds=1))
    contract.value_rules = contract.value_rules if rules is None else msgspec.to_builtins(rules)
    contract.version, contract.published_at = (contract.version or 0) + 1, now
    session.add(contract)
    await session.flush()
    await schedule_release(session)
    await send_to_added(session, contract, was)
    source = None if source_connection_id is None else str(source_connection_id)
    data: dict[str, object] = {"source": source, "owner": owner, "version": contract.version} | _audited_rules(contract)
    data |= {"workflow": str(contract.workflow), "sensitivity": str(contract.sensitivity)}
    if contract.channels is not None:
        data["channels"] = [str(one) for one in contract.channels]
    if contract.selector:
        data["selector"] = contract.selector
    if owned_before is not None and before != source_connection_id:
        data |= await moved_records(session, contract, before=before)
    append_audit(session, action=GovernanceAction.CONTRACT_PUBLISHED, subject=f"contract:{element}", data=data, at=now)
    return contract


async def publish_new_contract(
    session: AsyncSession, registry: Mapping[str, Connector], new: NewContract, *, now: datetime
) -> ElementContract:
    """Publish a requested contract, if its element exists and its source reports it.

    Raises:
        InvalidInput: as `publish_contract`; no such element, or a source that does not report it.
        NotFound: no such connection in this account.
        Conflict: as `publish_contract`.
    """
    code = new.element
    known = element_type(code) or await find_declaration(session, code)
    if known is None:
        raise InvalidInput(
            N_("There is no element {code}. Declare it first, or correct its code."),
            params={"code": repr(code[:40])},
            field="element",
        )
    if new.rules:
        check_rules(new.rules, known.value_type)
    if new.source_connection_id is not None:
        source = await get_connection(session, new.source_connection_id)
        connector = registry.get(source.kind)
        if connector is None or not connector.reports(code):
            raise InvalidInput(
                N_("“{name}” does not report this element. Choose the system that owns its values."),
                params={"name": source.name},
                field="source_connection_id",
            )
    return await publish_contract(
        session, element=code, selector=new.selector, source_connection_id=new.source_connection_id, owner=new.owner,
        propagation_slo=new.propagation_slo, correction_slo=new.correction_slo, decision_slo=new.decision_slo,
        approval_ttl=new.approval_ttl, workflow=new.workflow, sensitivity=new.sensitivity, rules=new.rules,
        channels=await choose_channels(session, new), now=now,
    )  # fmt: skip


async def assign_elements(
    session: AsyncSession, registry: Mapping[str, Connector], wanted: Assignment, *, now: datetime
) -> list[str]:
    """Publish the default contracts of several elements, and return their codes. Raises as `publish_new_contract`."""
    codes = list(dict.fromkeys(wanted.elements))
    for code in codes:
        owner = wanted.owner.strip() or await owner_of_domain(session, code) or USUAL_ELEMENTS.get(code, OTHER_OWNER)
        new = NewContract(element=code, source_connection_id=wanted.source_connection_id, owner=owner)
        await publish_new_contract(session, registry, new, now=now)
    return codes


async def _lock_contract(
    session: AsyncSession, element: str, selector: str
) -> tuple[ElementContract, ElementContract | None]:
    """The contract to publish, which may be new, and the one that has applied to its values until now.

    Raises InvalidInput or Conflict.
    """
    await lock_contracts(session)
    declared = await find_declaration(session, element)
    if declared is not None and declared.retired_at is not None:
        raise Conflict(N_("This element is retired, so nothing is taken into it. Declare another one."))
    selector = parse_selector(selector, dimensions=await dimensions_of(session, element))
    known = {each.selector: each for each in await list_contracts_of(session, element)}
    check_overlap(selector, known)
    if selector not in known and len(known) >= MOST_CONTRACTS:
        raise Conflict(
            N_("An element has at most {most} contracts. Remove one first, or choose selectors that select more."),
            params={"most": MOST_CONTRACTS},
        )
    scope, earlier = scope_of(session), known.get(selector) or known.get(DEFAULT)
    new = ElementContract(
        tenant_id=scope.tenant_id, msp_id=scope.msp_id, element=element, selector=selector, version=0,
        clocks_from=None if earlier is None else earlier.clocks_from, value_rules={},
    )  # fmt: skip
    return known.get(selector, new), earlier


def _audited_rules(contract: ElementContract) -> dict[str, object]:
    """The rules of this version, for the audit entry."""
    return {"rules": contract.value_rules} if contract.value_rules else {}


def _count(target: timedelta, unit: timedelta) -> int:
    """A target in units, the last one rounded up: a target of zero could never be met."""
    return -(-target // unit)


USUAL_ELEMENTS: Final = {PRICE: "Pricing", STOCK: "Operations", COST: "Finance"}
"""Owner of each element that nearly every client has."""
OTHER_OWNER: Final = "Catalogue"
"""Usual owner of any other element."""


async def publish_usual_contracts(  # noqa: PLR0913 - keyword-only targets
    session: AsyncSession,
    source: UUID,
    *,
    propagation_slo: timedelta,
    correction_slo: timedelta,
    decision_slo: timedelta | None,
    now: datetime,
) -> None:
    """Publish the contracts of price, stock and cost, all owned by `source`."""
    for element, owner in USUAL_ELEMENTS.items():
        await publish_contract(
            session,
            element=element,
            source_connection_id=source,
            owner=owner,
            propagation_slo=propagation_slo,
            correction_slo=correction_slo,
            decision_slo=decision_slo,
            now=now,
        )
