"""`fairlead proposal`: values that people set, at once or at a later time."""

from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.dimensions import part_of
from canonical.elements import element_type
from canonical.keys import ElementKey
from canonical.values import Value
from foundation.clock import utc_now, write_utc
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.errors import InvalidInput
from foundation.i18n.localizer import current_localizer
from foundation.ids import new_id
from foundation.rooms import AppServices, CliCommand
from governance.changes.propose import propose_change
from governance.changes.queries import find_change
from governance.elements.repository import load_contracts
from governance.inputs import read_local_time
from governance.labels import write_value
from governance.proposals.lists import SCHEDULED
from governance.proposals.preview import preview_proposal
from governance.proposals.queries import find_scheduled
from governance.proposals.schedule import cancel_proposal, schedule_proposal
from governance.proposals.schemas import ProposalPreview, ScheduledProposalView
from governance.proposals.typed_value import read_typed
from governance.services import GovernanceServices
from tenants.command_options import CLIENT, MSP


@click.group("proposal", cls=NounGroup)
def proposal() -> None:
    """Values of elements that people set: proposed now or at a later time, and decided by policy."""


@proposal.command()
@MSP
@CLIENT
@click.option("--record", "record_key", required=True, help="The record's key, such as its SKU.")
@click.option("--element", required=True, help="The element, such as price.sale.")
@click.option("--dimension", default="", help="Its part, such as currency=EUR,price_list=Retail.")
@click.option("--value", "typed", required=True, help="The value, such as 19.99 EUR.")
@click.option("--note", default="", help="Why it is proposed, for those who decide on it.")
@click.option("--at", default="", help="When, such as 2026-12-24T00:00+01:00; by default now.")
@click.option("--preview", is_flag=True, help="Only show what policy would decide now.")
def create(  # noqa: PLR0913 - click passes options by name
    *,
    msp_id: UUID,
    tenant_id: UUID,
    record_key: str,
    element: str,
    dimension: str,
    typed: str,
    note: str,
    at: str,
    preview: bool,
) -> None:
    """Propose a value now or, with --at, at a later time."""

    async def run(services: AppServices) -> CommandResult:
        governance = services.get(GovernanceServices)
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            key, value = await _read(session, record_key, element, dimension, typed)
            if preview:
                found = await preview_proposal(session, governance, key=key, value=value)
                return CommandResult(_describe(found), found)
            if at:
                made = await schedule_proposal(
                    session, key=key, value=value, note=note, effective_at=read_local_time(at, "at"), now=utc_now(),
                    new_id=new_id,
                )  # fmt: skip
                scheduled = await find_scheduled(session, made)
                return CommandResult(_line(scheduled), scheduled)
            change_id = await propose_change(session, governance, key=key, value=value, note=note)
            change = await find_change(session, change_id, now=utc_now())
            return CommandResult(f"{change.id}  {change.state}: {change.reason}", change)

    run_with_services(run)


@proposal.command("list")
@MSP
@CLIENT
def list_(msp_id: UUID, tenant_id: UUID) -> None:
    """List values that are proposed at a later time, the next first."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await SCHEDULED.load_most(session, utc_now())
        return CommandResult("\n".join(map(_line, found)) or "No value is scheduled.", found)

    run_in_account(operator_scope(msp_id, tenant_id), act)


@proposal.command()
@MSP
@CLIENT
@click.option("--id", "proposal_id", type=click.UUID, required=True, help="Id that `proposal list` shows.")
def cancel(msp_id: UUID, tenant_id: UUID, proposal_id: UUID) -> None:
    """Cancel a scheduled proposal before its time."""

    async def act(session: AsyncSession) -> CommandResult:
        await cancel_proposal(session, proposal_id, now=utc_now())
        return CommandResult("The proposal is cancelled.", {"id": proposal_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


async def _read(
    session: AsyncSession, record_key: str, element: str, dimension: str, typed: str
) -> tuple[ElementKey, Value]:
    declared = {one.element: one.declared for one in await load_contracts(session)}
    known = declared.get(element) or element_type(element)
    if known is None:
        raise InvalidInput(f"There is no element “{element}”.", field="element")
    value = read_typed(known, typed, current_localizer(), currency=part_of(dimension, "currency"))
    return ElementKey(record_key, element, dimension, known.record_type), value


def _line(one: ScheduledProposalView) -> str:
    return f"{one.id}  {write_utc(one.effective_at)}  {one.record_key} {one.element}: {write_value(one.value)}"


def _describe(found: ProposalPreview) -> str:
    lines = [f"{write_value(found.old)} → {write_value(found.new)}"]
    lines += [f"{one.outcome}: {one.reason} ({', '.join(one.channels) or 'no channel'})" for one in found.decisions]
    return "\n".join(lines)


COMMANDS: Final = (CliCommand(command=proposal),)
