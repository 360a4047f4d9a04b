"""`fairlead approval`: pending and answered approvals of a client. Only a signed-in member can answer an approval:
four-eyes rules cannot distinguish the operator of the installation from the author of a change.
"""

from typing import Final
from uuid import UUID

import click

from foundation.commands import CommandResult, NounGroup, operator_scope, run_with_services
from foundation.rooms import AppServices, CliCommand
from governance.approvals.explanation import describe_approval
from governance.approvals.lists import APPROVALS
from governance.approvals.schemas import ApprovalDetail, ApprovalItem
from governance.assignments.commands import add_item_commands
from governance.changes.commands import CHANGE, describe_what
from governance.escalations.queries import find_approval_item
from governance.labels import write_value
from governance.services import GovernanceServices
from tenants.command_options import CLIENT, MSP
from tenants.list_command import list_command


@click.group(cls=NounGroup)
def approval() -> None:
    """Approvals of changes. A member answers them on the page or over the API."""


@approval.command()
@MSP
@CLIENT
@CHANGE
def show(*, msp_id: UUID, tenant_id: UUID, change_id: UUID) -> None:
    """Show the newest approval of a change: what each channel shows now and would show, the facts that the rule
    compared, and the alternatives.
    """

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            found = await describe_approval(session, services.get(GovernanceServices), change_id)
        return CommandResult(_describe(found), found)

    run_with_services(act)


def _line(item: ApprovalItem) -> str:
    return f"{item.change.id}  {item.approval.state}  {describe_what(item.change)}"


def _describe(found: ApprovalDetail) -> str:
    lines = [f"{found.approval.state}: {describe_what(found.change)}", found.change.reason]
    for one in found.preview:
        then = "" if one.will_show is None else f", then {write_value(one.will_show)}"
        lines.append(f"  {one.channel}: {write_value(one.shows)}{then}")
    if found.explanation is not None:
        lines += [
            f"  {one.label}: {one.value}{f' ({one.threshold})' if one.threshold else ''}"
            for one in found.explanation.facts
        ]
        lines += [f"  - {one.text}" for one in found.explanation.alternatives]
    return "\n".join(lines)


approval.add_command(
    list_command(APPROVALS, _line, about="List approvals by the id of their change, pending ones oldest first.")
)
add_item_commands(approval, CHANGE, "change_id", find_approval_item)
COMMANDS: Final = (CliCommand(command=approval),)
