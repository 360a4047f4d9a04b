"""`fairlead contract`: element contracts of a client: source of truth, owner and targets."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import VALUE_TYPES
from connectors.connections import get_connection
from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from foundation.commands import CommandResult, FiniteRange, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.errors import InvalidInput
from foundation.i18n.messages import text_of
from foundation.rooms import AppServices, CliCommand
from governance.elements.create_element import create_element
from governance.elements.domains import read_domains, set_domain_owner
from governance.elements.lists import ELEMENTS
from governance.elements.ownership import read_ownership
from governance.elements.publish_contract import OTHER_OWNER, USUAL_ELEMENTS, publish_new_contract
from governance.elements.remove_contract import remove_contract
from governance.elements.retire_element import retire_element
from governance.elements.rules_form import read_rule_options
from governance.elements.schemas import DomainOwnerInput, NewContract, NewElement, Sensitivity, Workflow
from tenants.command_options import CLIENT, CLIENT_OR_MSP, MSP, REASON


@click.group(cls=NounGroup)
def contract() -> None:
    """Element contracts: data ownership and targets."""


_TARGET: Final = FiniteRange(min=0, min_open=True, max=1_000_000)


@contract.command("domains")
@MSP
@CLIENT
def domains(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List a client's data domains with the owner named for each."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await read_domains(session)
        lines = [
            f"{one.domain}  {one.owner or '-'}  {one.contracts} contracts{'  no named owner' if one.is_warned else ''}"
            for one in found.items
        ]
        return CommandResult("\n".join(lines), msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@contract.command("domain-owner")
@MSP
@CLIENT
@click.option("--domain", required=True, help="The domain, such as price.")
@click.option("--owner", required=True, help="Who answers for it; empty for nobody.")
def domain_owner(*, msp_id: UUID, tenant_id: UUID, domain: str, owner: str) -> None:
    """Name the owner of a data domain."""
    wanted = DomainOwnerInput(domain=domain, owner=owner)

    async def act(session: AsyncSession) -> CommandResult:
        await set_domain_owner(session, wanted, now=utc_now())
        return CommandResult(f"{domain}: {owner or 'nobody'}", msgspec.to_builtins(wanted))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@contract.command("publish")
@MSP
@CLIENT
@click.option("--source", type=click.UUID, required=True, help="Connection that is the source of truth.")
@click.option(
    "--element", "elements", multiple=True, help="Element, such as stock.on_hand; repeatable. Prices, stock and costs."
)
@click.option(
    "--select",
    "selector",
    default="",
    help="Only for these values: record_key=WH-* or location=Berlin. Without it, for what no other contract selects.",
)
@click.option("--owner", default=None, help="Who answers for the values, such as Operations.")
@click.option(
    "--publish-seconds",
    type=_TARGET,
    default=30.0,
    show_default=True,
    help="Publishing target: seconds from the release until a channel shows the value.",
)
@click.option(
    "--decide-hours",
    type=_TARGET,
    default=24.0,
    show_default=True,
    help="Decision target: hours from the proposal until an approver has decided.",
)
@click.option(
    "--correct-hours",
    type=_TARGET,
    default=4.0,
    show_default=True,
    help="Correction target: hours until an exception is corrected.",
)
@click.option(
    "--expire-hours",
    type=_TARGET,
    default=48.0,
    show_default=True,
    help="Hours after which a request for approval expires without an answer.",
)
@click.option(
    "--sensitivity",
    type=click.Choice([str(one) for one in Sensitivity]),
    help="Classification of the values; without it, it stays, and is internal of a new contract.",
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    help="Validation rule, such as minimum=0.5, maximum=100, max_length=80, pattern=[A-Z]+, codes=A,B or required;"
    " repeatable. Without any, the rules stay; --rule none removes them.",
)
@click.option(
    "--channel",
    "channels",
    type=click.UUID,
    multiple=True,
    help="The only channel that gets the values; repeatable. Without it, the channels stay as they are.",
)
@click.option("--all-channels", is_flag=True, help="Every channel that can show the values gets them.")
@click.option(
    "--workflow",
    type=click.Choice([str(one) for one in Workflow]),
    help="Who decides a change: the rules of the policy, or always a person. Without it, as before.",
)
def publish_contracts(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    source: UUID,
    elements: tuple[str, ...],
    selector: str,
    owner: str | None,
    publish_seconds: float,
    decide_hours: float,
    correct_hours: float,
    expire_hours: float,
    sensitivity: str | None,
    rules: tuple[str, ...],
    channels: tuple[UUID, ...],
    all_channels: bool,
    workflow: str | None,
) -> None:
    """Publish the source of truth of a client's prices, stock and costs, or of other elements, and the targets."""
    publishing, correcting = timedelta(seconds=publish_seconds), timedelta(hours=correct_hours)
    deciding = timedelta(hours=decide_hours)
    wanted = read_rule_options(rules)

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            found = await get_connection(session, source)
            registry = services.get(ConnectorRuntime).registry
            connector = registry.get(found.kind)
            if not elements and (connector is None or not all(map(connector.reports, USUAL_ELEMENTS))):
                raise InvalidInput(
                    f"“{found.name}” does not report prices, stock and costs. Choose the system that owns them.",
                    field="source",
                )
            for element in dict.fromkeys(elements or USUAL_ELEMENTS):
                new = NewContract(
                    element=element, selector=selector, source_connection_id=source,
                    owner=USUAL_ELEMENTS.get(element, OTHER_OWNER) if owner is None else owner,
                    propagation_slo=publishing, correction_slo=correcting, decision_slo=deciding,
                    approval_ttl=timedelta(hours=expire_hours),
                    workflow=None if workflow is None else Workflow.of(workflow),
                    sensitivity=None if sensitivity is None else Sensitivity.of(sensitivity), rules=wanted,
                    channels=list(channels) or None, all_channels=all_channels,
                )  # fmt: skip
                published = await publish_new_contract(session, registry, new, now=utc_now())
        targets = {"propagation_slo": publishing, "correction_slo": correcting, "decision_slo": deciding}
        seconds = {name: target.total_seconds() for name, target in targets.items()}
        what = ", ".join(dict.fromkeys(elements)) or "prices, stock and costs"
        where = f" for {published.selector}" if selector else ""
        return CommandResult(
            f"The source of truth of {what}{where} is {found.name}.",
            {"source": source, "name": found.name, "selector": published.selector, **seconds},
        )

    run_with_services(act)


@contract.command("remove")
@MSP
@CLIENT
@click.option("--element", "code", required=True, help="Element, such as stock.on_hand.")
@click.option("--select", "selector", required=True, help="The contract's selector, such as record_key=WH-*.")
def remove(*, msp_id: UUID, tenant_id: UUID, code: str, selector: str) -> None:
    """Remove a contract that selects values. They fall to the element's contract without a selector."""

    async def act(session: AsyncSession) -> CommandResult:
        following = await remove_contract(session, element=code, selector=selector, now=utc_now())
        source = following.source_connection_id
        name = "people and API clients" if source is None else (await get_connection(session, source)).name
        return CommandResult(
            f"The contract of {code} for {selector} is removed. Its values belong to {name} now.",
            {"element": code, "selector": selector, "source": source, "owner": following.owner},
        )

    run_in_account(operator_scope(msp_id, tenant_id), act)


@contract.command("report")
@MSP
@CLIENT
def report(*, msp_id: UUID, tenant_id: UUID) -> None:
    """List a client's elements that have no owner, only for a part of their values, or are reported by two systems."""

    async def act(session: AsyncSession) -> CommandResult:
        found = (await read_ownership(session)).items
        lines = [f"{one.problem:14}  {one.element}  {', '.join(one.reported_by)}" for one in found]
        return CommandResult("\n".join(lines) or "every reported element has exactly one owner", list(found))

    run_in_account(operator_scope(msp_id, tenant_id), act)


@click.group(cls=NounGroup)
def element() -> None:
    """Elements that a client declares itself, or an MSP for all its clients."""


@element.command("create")
@MSP
@CLIENT_OR_MSP
@click.option("--name", required=True, help="For systems, such as care_label.")
@click.option("--label", required=True, help="For people, such as “Care label”.")
@click.option("--type", "value_type", type=click.Choice(VALUE_TYPES), required=True, help="Type of its values.")
@click.option("--record-type", default="product", show_default=True, help="What it belongs to.")
@click.option("--dimension", "dimensions", multiple=True, help="What its values may be divided by; repeatable.")
@click.option("--code", "codes", multiple=True, help="Code of an enumeration; repeatable.")
@click.option("--source", type=click.UUID, default=None, help="Connection that is the source of truth.")
@click.option(
    "--reference", is_flag=True, help="Used only to check other values, such as a cost; never sent to channels."
)
def create(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID | None,
    name: str,
    label: str,
    value_type: str,
    record_type: str,
    dimensions: tuple[str, ...],
    codes: tuple[str, ...],
    source: UUID | None,
    reference: bool,
) -> None:
    """Declare an element: a client's own with its contract, or without --client one for all clients of the MSP."""
    fields = {
        "name": name, "label": label, "value_type": value_type, "record_type": record_type,
        "dimensions": list(dimensions), "codes": list(codes), "source_connection_id": source,
        "distributed": not reference,
    }  # fmt: skip

    async def act(session: AsyncSession) -> CommandResult:
        try:
            new = msgspec.convert(fields, NewElement)
        except msgspec.ValidationError as problem:
            raise InvalidInput(text_of(problem), field="name") from problem
        code = await create_element(session, new, now=utc_now())
        return CommandResult(f"The element {code} is declared.", {"code": code})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@element.command("retire")
@MSP
@CLIENT_OR_MSP
@click.option("--code", required=True, help="The element, such as custom.care_label.")
@click.option("--reason", required=True, type=REASON, help="Recorded in the audit trail.")
def retire(*, msp_id: UUID, tenant_id: UUID | None, code: str, reason: str) -> None:
    """Retire an element: its contracts end, and later values for it are held. Values and history stay."""

    async def act(session: AsyncSession) -> CommandResult:
        ended = await retire_element(session, code=code, reason=reason, now=utc_now())
        return CommandResult(f"The element {code} is retired.", {"code": code, "contracts": ended})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@element.command("list")
@MSP
@CLIENT_OR_MSP
def list_(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """List the custom elements of a client, those of its MSP included, or without --client the MSP's."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await ELEMENTS.load(session, ELEMENTS.query(), utc_now())
        lines = [
            f"{one.code}  {one.value_type}  {one.label}  ({one.declared_by}{', retired' if one.retired_at else ''})"
            for one in found.items
        ]
        return CommandResult("\n".join(lines) or "No custom elements.", found.items)

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


COMMANDS: Final = (CliCommand(command=contract), CliCommand(command=element))
