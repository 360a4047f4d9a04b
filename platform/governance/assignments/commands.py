"""The commands `assign`, `comment` and `comments` of `fairlead exception` and `fairlead approval`."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, operator_scope, run_in_account, run_with_services
from foundation.ids import new_id
from foundation.rooms import AppServices
from governance.assignments.assign import assign_item
from governance.assignments.candidates import find_candidate_id
from governance.assignments.comment import add_comment
from governance.assignments.queries import find_assignment, list_comments
from governance.escalations.schemas import OpenItem
from policy.cache import PolicyCache
from tenants.command_options import CLIENT, MSP

_NOBODY = "nobody"
FindItem = Callable[[AsyncSession, UUID], Awaitable[OpenItem]]


def add_item_commands(group: click.Group, which: Callable[[Any], Any], parameter: str, find: FindItem) -> None:
    """Add the commands to a group. `which`: the option with the item's id, `parameter`: the name of its argument."""

    @group.command()
    @MSP
    @CLIENT
    @which
    @click.option("--to", required=True, help="The member's address, or `nobody`.")
    def assign(*, msp_id: UUID, tenant_id: UUID, to: str, **given: UUID) -> None:
        """Assign an open item to a member who may see it, and notify them; or to nobody."""

        async def act(services: AppServices) -> CommandResult:
            policies = services.get(PolicyCache)
            async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
                item = await find(session, given[parameter])
                member = "" if to == _NOBODY else str(await find_candidate_id(session, policies, item, to))
                await assign_item(session, policies, item, member, now=utc_now())
                found = await find_assignment(session, item)
            return CommandResult(f"assigned to {found.name if found else _NOBODY}", {"assignment": found})

        run_with_services(act)

    @group.command()
    @MSP
    @CLIENT
    @which
    @click.option("--text", required=True, help="Plain text of at most 2,000 characters.")
    def comment(*, msp_id: UUID, tenant_id: UUID, text: str, **given: UUID) -> None:
        """Comment on an open or closed item. A comment is never changed."""

        async def act(session: AsyncSession) -> CommandResult:
            item = await find(session, given[parameter])
            made = await add_comment(session, item, text, now=utc_now(), new_id=new_id)
            return CommandResult(f"comment {made.id} added", {"id": made.id})

        run_in_account(operator_scope(msp_id, tenant_id), act)

    @group.command()
    @MSP
    @CLIENT
    @which
    def comments(*, msp_id: UUID, tenant_id: UUID, **given: UUID) -> None:
        """List the comments on an item, oldest first."""

        async def act(session: AsyncSession) -> CommandResult:
            found = await list_comments(session, await find(session, given[parameter]))
            lines = [f"{one.written_at:%Y-%m-%d %H:%M}  {one.author}: {one.text}" for one in found]
            return CommandResult("\n".join(lines) or "no comments", {"items": found})

        run_in_account(operator_scope(msp_id, tenant_id), act)
