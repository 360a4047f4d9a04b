"""`fairlead tenant baseline`: start and show baseline readings. Only a member can accept a baseline, on its page."""

import asyncio
import time
from typing import Final
from uuid import UUID

import click

from foundation.clock import utc_now
from foundation.commands import operator_scope, run_with_services
from foundation.rooms import AppServices, CliCommand
from governance.baseline.lists import BASELINES
from governance.baseline.queries import find_baseline, list_baselines
from governance.baseline.schemas import BaselineView
from governance.baseline.start import start_baseline
from governance.services import GovernanceServices
from tenants.command_options import MSP, TENANT

_LOOK_SECONDS = 0.5


@click.group()
def baseline() -> None:
    """What a client's sources say beside what its channels show. A person accepts it on its page."""


@baseline.command("read")
@MSP
@TENANT
@click.option("--wait", "wait", default=60.0, show_default=True, help="Seconds to wait until all is read.")
def read(msp_id: UUID, tenant_id: UUID, wait: float) -> None:
    """Read the sources and channels anew, and compare them. Changes nothing; workers do the reading."""
    scope = operator_scope(msp_id, tenant_id)

    async def act(services: AppServices) -> str:
        async with services.db.transaction(scope) as session:
            baseline_id = await start_baseline(session, services.get(GovernanceServices), now=utc_now())
        deadline = time.monotonic() + wait
        while True:
            async with services.db.transaction(scope) as session:
                found = await find_baseline(session, baseline_id)
            if found.state != "reading" or time.monotonic() >= deadline:
                return told(found)
            await asyncio.sleep(_LOOK_SECONDS)

    run_with_services(act)


@baseline.command("show")
@MSP
@TENANT
def show(msp_id: UUID, tenant_id: UUID) -> None:
    """The newest baseline, how far it is, and what it made."""
    scope = operator_scope(msp_id, tenant_id)

    async def act(services: AppServices) -> str:
        async with services.db.transaction(scope) as session:
            found = (await list_baselines(session, BASELINES.query(limit=1), utc_now())).items
        return told(found[0]) if found else "no baseline yet: `fairlead tenant baseline read` reads one"

    run_with_services(act)


def told(found: BaselineView) -> str:
    lines = [f"baseline {found.id}: {found.state}" + (f", by {found.decided_by}" if found.decided_by else "")]
    for part in found.parts:
        counts = (
            f"{part.equal} equal, {part.differs} differ, {part.source_only} only in the source,"
            f" {part.channel_only} only here, {part.below_cost} below cost"
        )
        lines.append(f"  {part.name}: {part.state}" + (f"; {counts}" if part.role == "channel" else ""))
        if part.error:
            lines.append(f"    {part.error}")
    if found.state == "accepted":
        lines.append(
            f"  made: {found.accepted} values approved, {found.proven} matched, {found.automatic} passed policy,"
            f" {found.awaiting} need approval, {found.refused} refused, {found.overtaken} superseded"
        )
    return "\n".join(lines)


COMMANDS: Final = (CliCommand(command=baseline, under="tenant"),)
