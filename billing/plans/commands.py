"""`fairlead plan`."""

from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.plans.repository import add_version, create_plan, list_plans, retire_plan
from billing.plans.schemas import PlanInput, PlanTermsInput
from billing.plans.terms import check_features
from billing.plans.wording import write_plan
from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    command_host,
    operator_scope,
    run_in_account,
)
from foundation.decoding import decode_json
from foundation.errors import InvalidInput
from foundation.ids import new_id
from foundation.rooms import CliCommand
from tenants.command_options import MSP

_FILE: Final = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_PLAN: Final = click.option("--plan", "plan_id", type=click.UUID, required=True, help="ID of the plan.")


@click.group(cls=NounGroup)
def plan() -> None:
    """Plans that an MSP offers to its clients."""


@plan.command("list")
@MSP
def list_(*, msp_id: UUID) -> None:
    """List the plans of an MSP, retired ones last."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await list_plans(session, utc_now())
        lines = [
            f"{one.id}  {one.code}  {'retired' if one.retired_at else one.current or 'later'}  "
            + write_plan(one.versions[0].terms, one.currency)
            for one in found
        ]
        return CommandResult("\n".join(lines) or "no plans", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id), act)


@plan.command("create")
@MSP
@_FILE
def create(*, msp_id: UUID, file: Path) -> None:
    """Create the plan that FILE describes: a JSON object as in the API, with code, name, currency and terms."""
    new: PlanInput = _read(file, PlanInput)
    check_features(new.terms, command_host().rooms.features)

    async def act(session: AsyncSession) -> CommandResult:
        made = await create_plan(session, new, now=utc_now(), new_id=new_id)
        return CommandResult(f"plan {made}", {"id": made, "code": new.code})

    run_in_account(operator_scope(msp_id, msp_id), act)


@plan.command("publish")
@MSP
@_PLAN
@_FILE
def publish(*, msp_id: UUID, plan_id: UUID, file: Path) -> None:
    """Publish the terms in FILE as a new version, for subscriptions that begin or change from then on."""
    new: PlanTermsInput = _read(file, PlanTermsInput)
    check_features(new.terms, command_host().rooms.features)

    async def act(session: AsyncSession) -> CommandResult:
        number = await add_version(session, plan_id, new, now=utc_now(), new_id=new_id)
        return CommandResult(f"version {number}", {"id": plan_id, "number": number})

    run_in_account(operator_scope(msp_id, msp_id), act)


@plan.command("retire")
@MSP
@_PLAN
def retire(*, msp_id: UUID, plan_id: UUID) -> None:
    """Retire a plan. Existing subscriptions continue."""

    async def act(session: AsyncSession) -> CommandResult:
        await retire_plan(session, plan_id, now=utc_now())
        return CommandResult("The plan is retired.", {"id": plan_id})

    run_in_account(operator_scope(msp_id, msp_id), act)


def _read(file: Path, kind: Any) -> Any:
    """Raises InvalidInput: names what cannot be read."""
    try:
        return decode_json(file.read_bytes(), type=kind)
    except (msgspec.MsgspecError, UnicodeError) as problem:
        raise InvalidInput(f"The file cannot be read: {problem}.", field="file") from problem


COMMANDS: Final = (CliCommand(command=plan),)
