"""`fairlead search`: objects of a client, or of an MSP with all its clients, by a part of their name or key."""

from typing import Final
from uuid import UUID

import click

from foundation.commands import JSON, CommandResult, operator_scope, run_with_services
from foundation.errors import InvalidInput
from foundation.rooms import AppServices, CliCommand
from governance.search.read import SearchGroup, SearchItem, clean_wanted, find_items, search_sources
from tenants.command_options import CLIENT_OR_MSP, MSP


@click.command("search")
@MSP
@CLIENT_OR_MSP
@click.argument("wanted")
@JSON
def search(*, msp_id: UUID, tenant_id: UUID | None, wanted: str) -> None:
    """Find clients, records, pending approvals, exceptions, connections, members and invoices by WANTED."""
    cleaned = clean_wanted(wanted)
    if not cleaned:
        raise InvalidInput("Enter a part of a name or key.", field="wanted")

    async def act(services: AppServices) -> CommandResult:
        known, scope = search_sources(services.rooms), operator_scope(msp_id, tenant_id or msp_id)
        found: list[SearchGroup] = []
        if tenant_id is None:
            async with services.db.transaction(scope.for_fleet()) as session:
                found += await find_items(session, cleaned, [(one, one.fleet) for one in known])
        async with services.db.transaction(scope) as session:
            own = [(one, one.client if tenant_id is not None else one.home) for one in known]
            found += await find_items(session, cleaned, own)
        items = [item for group in found for item in group.items]
        return CommandResult("\n".join(map(_line, items)) or "nothing found", {"items": items})

    run_with_services(act)


def _line(item: SearchItem) -> str:
    return "  ".join(part for part in (item.kind, item.id, item.title, item.note) if part)


COMMANDS: Final = (CliCommand(command=search),)
