"""`fairlead exception`: exceptions of a client, with their replay, resolution and discarding."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.rooms import CliCommand
from governance.assignments.commands import add_item_commands
from governance.changes import replay
from governance.changes.commands import describe_key
from governance.escalations.queries import find_exception_item
from governance.exception_queue.lists import EXCEPTIONS
from governance.exception_queue.queries import find_exception
from governance.exceptions.lifecycle import close_exception
from governance.exceptions.schemas import ExceptionView
from governance.exceptions.states import ExceptionState
from tenants.command_options import CLIENT, MSP
from tenants.list_command import list_command

_EXCEPTION: Final = click.option(
    "--exception",
    "exception_id",
    type=click.UUID,
    required=True,
    help="The exception's ID (`fairlead exception list`).",
)


@click.group(cls=NounGroup)
def exception() -> None:
    """Exceptions: problems that need a person."""


@exception.command()
@MSP
@CLIENT
@_EXCEPTION
def show(*, msp_id: UUID, tenant_id: UUID, exception_id: UUID) -> None:
    """Show an exception. JSON has the parts of its severity too."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await find_exception(session, exception_id)
        return CommandResult(f"{_line(found)}\n{found.detail}", found)

    run_in_account(operator_scope(msp_id, tenant_id), act)


@exception.command("replay")
@MSP
@CLIENT
@_EXCEPTION
def replay_(*, msp_id: UUID, tenant_id: UUID, exception_id: UUID) -> None:
    """Read the original message again, or send the released change again."""
    _run(msp_id, tenant_id, exception_id, lambda session: replay.replay_exception(session, exception_id, now=utc_now()))


@exception.command()
@MSP
@CLIENT
@_EXCEPTION
def resolve(*, msp_id: UUID, tenant_id: UUID, exception_id: UUID) -> None:
    """Close an exception as resolved."""
    _close(msp_id, tenant_id, exception_id, ExceptionState.RESOLVED)


@exception.command()
@MSP
@CLIENT
@_EXCEPTION
def discard(*, msp_id: UUID, tenant_id: UUID, exception_id: UUID) -> None:
    """Close an exception without a correction."""
    _close(msp_id, tenant_id, exception_id, ExceptionState.DISCARDED)


def _close(msp_id: UUID, tenant_id: UUID, exception_id: UUID, state: ExceptionState) -> None:
    _run(
        msp_id, tenant_id, exception_id,
        lambda session: close_exception(session, exception_id, state=state, now=utc_now()),
    )  # fmt: skip


def _run(msp_id: UUID, tenant_id: UUID, exception_id: UUID, use: Callable[[AsyncSession], Awaitable[None]]) -> None:
    async def act(session: AsyncSession) -> CommandResult:
        await use(session)
        await session.flush()
        found = await find_exception(session, exception_id)
        return CommandResult(_line(found), found)

    run_in_account(operator_scope(msp_id, tenant_id), act)


def _line(found: ExceptionView) -> str:
    about = describe_key(found.record_key, found.element, found.dimension) or found.channel or ""
    return "  ".join(part for part in (str(found.id), found.state, str(found.severity), found.title, about) if part)


exception.add_command(list_command(EXCEPTIONS, _line, about="List exceptions, worst first."))
add_item_commands(exception, _EXCEPTION, "exception_id", find_exception_item)
COMMANDS: Final = (CliCommand(command=exception),)
