"""`fairlead onboarding`: steps and go-live checklists of clients."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.runtime import ConnectorRuntime
from foundation.clock import utc_now
from foundation.commands import CommandResult, NounGroup, operator_scope, run_in_account, run_with_services
from foundation.rooms import AppServices, CliCommand
from governance.onboarding import check as checklist
from governance.onboarding.lists import ONBOARDINGS
from governance.onboarding.queries import load_onboarding
from governance.onboarding.schemas import OnboardingView
from governance.onboarding.steps import OnboardingCheck
from tenants.command_options import CLIENT, MSP, REASON

_NAME: Final = click.option(
    "--check", "name", required=True, type=click.Choice([str(one) for one in OnboardingCheck]), help="The check."
)


@click.group(cls=NounGroup)
def onboarding() -> None:
    """Onboarding of clients: steps, go-live checklist, going live."""


@onboarding.command("list")
@MSP
def list_(*, msp_id: UUID) -> None:
    """List the onboardings of an MSP's clients, the longest without progress first."""

    async def act(session: AsyncSession) -> CommandResult:
        found = await ONBOARDINGS.load_most(session, utc_now())
        lines = [f"{one.client}  {one.step_label}  since {one.since:%Y-%m-%d %H:%M}  {one.reason}" for one in found]
        return CommandResult("\n".join(lines) or "no clients", msgspec.to_builtins(found))

    run_in_account(operator_scope(msp_id, msp_id).for_fleet(), act)


@onboarding.command("show")
@MSP
@CLIENT
def show(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Show the steps and the go-live checklist of a client."""

    async def act(services: AppServices) -> CommandResult:
        return _written(await _load(services, msp_id, tenant_id))

    run_with_services(act)


@onboarding.command("check")
@MSP
@CLIENT
def check(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Test every connection of a client, and show its go-live checklist."""

    async def act(services: AppServices) -> CommandResult:
        await _run_checks(services, msp_id, tenant_id)
        return _written(await _load(services, msp_id, tenant_id))

    run_with_services(act)


@onboarding.command("go-live")
@MSP
@CLIENT
def go_live(*, msp_id: UUID, tenant_id: UUID) -> None:
    """Run the checks, and record that the client is live. Refused while a check fails that is not waived."""

    async def act(services: AppServices) -> CommandResult:
        await _run_checks(services, msp_id, tenant_id)
        view = await _load(services, msp_id, tenant_id)
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            await checklist.go_live(session, view, now=utc_now())
        return CommandResult(f"client {view.client} is live", {"client": view.client, "live": True})

    run_with_services(act)


@onboarding.command("waive")
@MSP
@CLIENT
@_NAME
@click.option("--reason", required=True, type=REASON, help="Recorded in the client's audit trail.")
def waive(*, msp_id: UUID, tenant_id: UUID, name: str, reason: str) -> None:
    """Waive a check of a client's go-live checklist."""
    _change(msp_id, tenant_id, name, lambda session: checklist.waive_check(session, name, reason=reason, now=utc_now()))


@onboarding.command("withdraw-waiver")
@MSP
@CLIENT
@_NAME
def withdraw_waiver(*, msp_id: UUID, tenant_id: UUID, name: str) -> None:
    """Withdraw the waiver of a check."""
    _change(msp_id, tenant_id, name, lambda session: checklist.withdraw_waiver(session, name, now=utc_now()))


def _change(msp_id: UUID, tenant_id: UUID, name: str, change: Callable[[AsyncSession], Awaitable[None]]) -> None:
    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            await change(session)
        view = await _load(services, msp_id, tenant_id)
        state = next(one.state for one in view.checks if one.check == name)
        return CommandResult(f"check {name}: {state}", {"check": name, "state": state})

    run_with_services(act)


async def _load(services: AppServices, msp_id: UUID, tenant_id: UUID) -> OnboardingView:
    async with services.db.transaction(operator_scope(msp_id, msp_id).for_fleet()) as session:
        return await load_onboarding(session, tenant_id, now=utc_now())


async def _run_checks(services: AppServices, msp_id: UUID, tenant_id: UUID) -> None:
    async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
        probed = await checklist.probe_connections(session, services.get(ConnectorRuntime), now=utc_now())
        await checklist.record_checks(session, probed, now=utc_now())


def _written(view: OnboardingView) -> CommandResult:
    steps = [f"{one.state:8}  {one.label}: {one.detail}" for one in view.steps]
    checks = [f"{one.state:10}  {one.label}: {one.detail}" for one in view.checks]
    return CommandResult("\n".join([*steps, "", *checks]), msgspec.to_builtins(view))


COMMANDS: Final = (CliCommand(command=onboarding),)
