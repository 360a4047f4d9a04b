"""`fairlead failed-job`: jobs of a client that failed for good."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account
from foundation.jobs.dead_letters import discard_dead_letter, replay_dead_letter
from foundation.rooms import CliCommand
from governance.dead_letters.lists import DEAD_LETTERS
from governance.dead_letters.queries import find_letter
from governance.dead_letters.schemas import DeadLetterView
from tenants.command_options import CLIENT, MSP
from tenants.list_command import list_command

_JOB: Final = click.option(
    "--job", "letter_id", type=click.UUID, required=True, help="The job's ID (`fairlead failed-job list`)."
)


@click.group("failed-job", cls=NounGroup)
def failed_job() -> None:
    """Jobs that failed for good."""


@failed_job.command()
@MSP
@CLIENT
@_JOB
def replay(*, msp_id: UUID, tenant_id: UUID, letter_id: UUID) -> None:
    """Enqueue a job again in its lane, with its attempts reset."""
    _run(msp_id, tenant_id, letter_id, lambda session: replay_dead_letter(session, letter_id, now=utc_now()))


@failed_job.command()
@MSP
@CLIENT
@_JOB
def discard(*, msp_id: UUID, tenant_id: UUID, letter_id: UUID) -> None:
    """Discard a job. It does not run again."""
    _run(msp_id, tenant_id, letter_id, lambda session: discard_dead_letter(session, letter_id, now=utc_now()))


def _run(msp_id: UUID, tenant_id: UUID, letter_id: UUID, use: Callable[[AsyncSession], Awaitable[None]]) -> None:
    async def act(session: AsyncSession) -> CommandResult:
        await use(session)
        await session.flush()
        found = await find_letter(session, letter_id)
        return CommandResult(_line(found), found)

    run_in_account(operator_scope(msp_id, tenant_id), act)


def _line(found: DeadLetterView) -> str:
    return f"{found.id}  {found.state}  {found.kind}  {found.attempts} attempts  {found.error}"


failed_job.add_command(list_command(DEAD_LETTERS, _line, about="List failed jobs, newest first."))
COMMANDS: Final = (CliCommand(command=failed_job),)
