"""`fairlead escalation`: the escalation ladder of an MSP's clients, or of one client."""

import re
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.errors import InvalidInput
from foundation.rooms import AppServices, CliCommand
from governance.escalations.ladder import load_ladder, reset_ladder, save_ladder
from governance.escalations.queries import count_at_steps
from governance.escalations.schemas import EscalationStep
from policy.cache import PolicyCache
from tenants.command_options import CLIENT_OR_MSP, MSP

_STEP: Final = re.compile(
    r"(approval|exception):([1-9][0-9]{0,5})([mhd]):([a-z][a-z0-9_]{0,59})(?::([0-9]{1,3}))?", re.ASCII
)
_MINUTES: Final = {"m": 1, "h": 60, "d": 24 * 60}


@click.group(cls=NounGroup)
def escalation() -> None:
    """Escalation: who is notified when an approval waits, or an exception is open, for too long."""


@escalation.command()
@MSP
@CLIENT_OR_MSP
def show(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Show the ladder that applies, and how many items of a client are at each step now."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await load_ladder(session)
        counts = await count_at_steps(session, found.steps, now=utc_now())
        lines = [f"{_write(step)}  {counts.get(place, 0)} open" for place, step in enumerate(found.steps)]
        data = {"source": found.source, "steps": msgspec.to_builtins(list(found.steps))}
        return CommandResult("\n".join([f"{found.source} ladder", *lines]), data)

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


@escalation.command("set")
@MSP
@CLIENT_OR_MSP
@click.option(
    "--step", "steps", multiple=True, required=True, metavar="ABOUT:AFTER:ROLE[:SEVERITY]",
    help="For example approval:4h:client_admin, or exception:1d:msp_supervisor:60; repeatable.",
)  # fmt: skip
def set_(*, msp_id: UUID, tenant_id: UUID | None, steps: tuple[str, ...]) -> None:
    """Replace the ladder: without --client, the one for all clients of the MSP."""
    wanted = [_parse(one) for one in steps]

    async def act(services: AppServices) -> CommandResult:
        scope = operator_scope(msp_id, tenant_id or msp_id)
        async with services.db.transaction(scope) as session:
            index = await services.get(PolicyCache).index_for(session, scope)
            await save_ladder(session, wanted, index=index, now=utc_now())
        return CommandResult("saved", {"steps": msgspec.to_builtins(wanted)})

    run_with_services(act)


@escalation.command()
@MSP
@CLIENT_OR_MSP
def reset(*, msp_id: UUID, tenant_id: UUID | None) -> None:
    """Return to the inherited ladder."""

    async def act(session: AsyncSession) -> CommandResult:
        await reset_ladder(session, now=utc_now())
        return CommandResult("reset", {})

    run_in_account(operator_scope(msp_id, tenant_id or msp_id), act)


def _parse(text: str) -> EscalationStep:
    found = _STEP.fullmatch(text)
    if found is None:
        raise InvalidInput("A step is ABOUT:AFTER:ROLE, such as approval:4h:client_admin.", field="step")
    about, number, unit, role, severity = found.groups()
    try:
        return msgspec.convert(
            {
                "about": about, "after_minutes": int(number) * _MINUTES[unit], "role": role,
                "least_severity": int(severity or 0),
            },
            EscalationStep,
        )  # fmt: skip
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The step {text} is not possible: {error}.", field="step") from error


def _write(step: EscalationStep) -> str:
    least = f":{step.least_severity}" if step.least_severity else ""
    return f"{step.about}:{step.after_minutes}m:{step.role}{least}"


COMMANDS: Final = (CliCommand(command=escalation),)
