"""`fairlead baseline`: start and show baseline readings. Only a member can accept a baseline, on its page."""

import asyncio
import time
from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.rooms import AppServices, CliCommand
from governance.baseline.lists import BASELINES
from governance.baseline.queries import find_baseline, list_baselines
from governance.baseline.schemas import BaselineView
from governance.baseline.skip import skip_baseline
from governance.baseline.start import discard_baseline, start_baseline
from governance.baseline.states import BaselineState
from governance.services import GovernanceServices
from tenants.command_options import CLIENT, MSP

_POLL_SECONDS = 0.5


@click.group(cls=NounGroup)
def baseline() -> None:
    """Comparisons of a client's sources with its channels. A member accepts them on the page."""


@baseline.command("read")
@MSP
@CLIENT
@click.option("--wait", "wait", default=60.0, show_default=True, help="Seconds to wait for the result.")
def read(msp_id: UUID, tenant_id: UUID, wait: float) -> None:
    """Read the sources and channels and compare them. Workers do this; nothing is changed."""
    scope = operator_scope(msp_id, tenant_id)

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(scope) as session:
            baseline_id = await start_baseline(session, services.get(GovernanceServices), now=utc_now())
        deadline = time.monotonic() + wait
        while True:
            async with services.db.transaction(scope) as session:
                found = await find_baseline(session, baseline_id)
            if found.state != BaselineState.READING or time.monotonic() >= deadline:
                return _result(found)
            await asyncio.sleep(_POLL_SECONDS)

    run_with_services(act)


@baseline.command("show")
@MSP
@CLIENT
def show(msp_id: UUID, tenant_id: UUID) -> None:
    """Show the newest baseline, its progress and its results."""
    scope = operator_scope(msp_id, tenant_id)

    async def act(session: AsyncSession) -> CommandResult:
        found = (await list_baselines(session, BASELINES.query(limit=1), utc_now())).items
        if not found:
            return CommandResult("No baseline yet. Read one with `fairlead baseline read`.", None)
        return _result(found[0])

    run_in_account(scope, act)


@baseline.command("discard")
@MSP
@CLIENT
@click.option("--baseline", "baseline_id", type=click.UUID, required=True, help="Its ID (`fairlead baseline show`).")
def discard(msp_id: UUID, tenant_id: UUID, baseline_id: UUID) -> None:
    """Discard a baseline that nobody accepted. Nothing is changed in any system."""

    async def act(session: AsyncSession) -> CommandResult:
        await discard_baseline(session, baseline_id, now=utc_now())
        return CommandResult("discarded", {"id": baseline_id})

    run_in_account(operator_scope(msp_id, tenant_id), act)


@baseline.command("skip")
@MSP
@CLIENT
def skip(msp_id: UUID, tenant_id: UUID) -> None:
    """Skip the baseline: policy decides the held values of a new client one by one."""

    async def act(session: AsyncSession) -> CommandResult:
        await skip_baseline(session, now=utc_now())
        return CommandResult("The baseline is skipped. The held values are decided by policy.", {"skipped": True})

    run_in_account(operator_scope(msp_id, tenant_id), act)


def _result(found: BaselineView) -> CommandResult:
    return CommandResult(describe_baseline(found), found)


def describe_baseline(found: BaselineView) -> str:
    lines = [f"baseline {found.id}: {found.state}" + (f", by {found.decided_by}" if found.decided_by else "")]
    for part in found.parts:
        counts = (
            f"{part.equal} equal, {part.differs} differ, {part.source_only} only in the source,"
            f" {part.channel_only} only here, {part.below_cost} below cost"
        )
        lines.append(f"  {part.name}: {part.state}" + (f"; {counts}" if part.role == "channel" else ""))
        if part.error:
            lines.append(f"    {part.error}")
    if found.state == BaselineState.ACCEPTED:
        lines.append(
            f"  result: {found.accepted} values approved, {found.proven} matched, {found.automatic} passed policy,"
            f" {found.awaiting} need approval, {found.refused} refused, {found.overtaken} superseded"
        )
    return "\n".join(lines)


COMMANDS: Final = (CliCommand(command=baseline),)
