"""`fairlead retention`: deletion plans and runs, retention periods and legal holds, as on the page and the API."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import click
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import utc_now
from foundation.commands import (
    CommandResult,
    NounGroup,
    command_host,
    operator_scope,
    print_result,
    run_in_account,
)
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.rooms import CliCommand
from foundation.settings import Settings
from governance.retention.change_policy import place_hold, release_hold, set_default, set_policy
from governance.retention.plan import plan_retention
from governance.retention.run import RetentionReport, run_retention
from governance.retention.schemas import DataClassView, NewHold, NewPolicy, RetentionView
from tenants.command_options import CLIENT, MSP

_CLASS = click.option("--class", "data_class", default="", help="One class of data; default: all.")


@click.group(cls=NounGroup)
def retention() -> None:
    """Retention periods, legal holds, and deletions."""


@retention.command("show")
@MSP
@CLIENT
def show(msp_id: UUID, tenant_id: UUID) -> None:
    """Show one client's retention periods, next deletions, holds and past deletions. Nothing is changed."""

    async def act(session: AsyncSession) -> CommandResult:
        view = await plan_retention(session, command_host().rooms.retained, now=utc_now())
        return CommandResult(_describe(view), view)

    _in_scope(msp_id, tenant_id, act)


@retention.command("run")
@click.option(
    "--clock-is-right", is_flag=True, help="Confirm that the clock is right, after a long pause or a wrong clock."
)
def run(*, clock_is_right: bool) -> None:
    """Delete data past its retention period, of every client. Needs DATABASE_URL of the owner, who drops partitions.

    `fairlead up` runs it daily. With servers of your own, schedule it. It stops when the clock may be wrong.
    """
    settings = command_host().settings("retention")
    report = asyncio.run(_run(settings, clock_is_right=clock_is_right))
    rows = [f"{table}: {count} rows" for table, count in sorted(report.removed.items()) if count]
    parts = [f"dropped {name}" for name in report.dropped]
    text = "\n".join([f"{report.clients} accounts checked", *(rows or ["nothing to delete"]), *parts])
    print_result(CommandResult(text, report))


async def _run(settings: Settings, *, clock_is_right: bool) -> RetentionReport:
    owner, app = (
        Database(url, pool_size=1, application_name="fairlead retention")
        for url in (settings.owner_url, settings.app_url)
    )
    try:
        return await run_retention(
            owner, app, command_host().rooms.retained, now=utc_now(), new_id=new_id, clock_confirmed=clock_is_right
        )
    finally:
        await asyncio.gather(owner.close(), app.close())


@retention.command("set")
@MSP
@CLIENT
@click.option("--class", "data_class", required=True, help="A class of data that `retention show` lists.")
@click.option("--days", type=int, help="Days to keep it; default: the MSP's default.")
@click.option("--element", default="", help="Keep one element's rows longer than the class.")
def set_(*, msp_id: UUID, tenant_id: UUID, data_class: str, days: int | None, element: str) -> None:
    """Set how long one client's data of a class is kept."""

    async def act(session: AsyncSession) -> CommandResult:
        await set_policy(session, command_host().rooms.retained, data_class, NewPolicy(days, element), now=utc_now())
        kept = f"{days} days" if days else "the default"
        return CommandResult(
            f"{data_class}{f' of {element}' if element else ''}: {kept}",
            {"class": data_class, "element": element, "days": days},
        )

    _in_scope(msp_id, tenant_id, act)


@retention.command("set-default")
@MSP
@click.option("--class", "data_class", required=True, help="A class of data that `retention show` lists.")
@click.option("--days", type=int, help="Days to keep it; default: the product's default.")
def set_default_(*, msp_id: UUID, data_class: str, days: int | None) -> None:
    """Set how long an MSP's own account and all its clients keep a class. Clients can keep longer, never shorter."""

    async def act(session: AsyncSession) -> CommandResult:
        await set_default(session, command_host().rooms.retained, data_class, days, now=utc_now())
        kept = f"{days} days" if days else "the default"
        return CommandResult(f"{data_class}: {kept} for every account", {"class": data_class, "days": days})

    _in_scope(msp_id, msp_id, act)


@retention.command("hold")
@MSP
@CLIENT
@_CLASS
@click.option("--record", default="", help="Key of one record; default: all records.")
@click.option("--reason", required=True, help="Recorded in the client's audit trail.")
def hold(*, msp_id: UUID, tenant_id: UUID, data_class: str, record: str, reason: str) -> None:
    """Place a legal hold: data it covers is not deleted until it is released."""

    async def act(session: AsyncSession) -> CommandResult:
        new = NewHold(reason, data_class, record)
        hold_id = await place_hold(session, command_host().rooms.retained, new, now=utc_now(), new_id=new_id)
        return CommandResult(f"hold {hold_id}", {"id": hold_id})

    _in_scope(msp_id, tenant_id, act)


@retention.command("release")
@MSP
@CLIENT
@click.argument("hold_id", type=click.UUID)
@click.option("--reason", required=True, help="Recorded in the client's audit trail.")
def release(*, msp_id: UUID, tenant_id: UUID, hold_id: UUID, reason: str) -> None:
    """Release a legal hold. Data that only this hold kept is deleted in the next run."""

    async def act(session: AsyncSession) -> CommandResult:
        await release_hold(session, hold_id, reason=reason, now=utc_now())
        return CommandResult(f"hold {hold_id} is released", {"id": hold_id})

    _in_scope(msp_id, tenant_id, act)


def _in_scope(msp_id: UUID, tenant_id: UUID, act: Callable[[AsyncSession], Awaitable[CommandResult]]) -> None:
    run_in_account(operator_scope(msp_id, tenant_id), act)


def _describe(view: RetentionView) -> str:
    lines = [line for one in view.classes for line in _describe_class(one)]
    for hold_ in view.holds:
        covers = f"{hold_.data_class or 'everything'}{f' of {hold_.record_key}' if hold_.record_key else ''}"
        state = f"released {hold_.released_at:%Y-%m-%d}" if hold_.released_at else "active"
        lines.append(f"hold {hold_.id} on {covers}: {state}; {hold_.reason}")
    for purge in view.purges:
        how = f"dropped {purge.partition}" if purge.partition else "deleted"
        lines.append(
            f"deleted {purge.purged_at:%Y-%m-%d %H:%M}: {purge.removed} of {purge.table} before {purge.before:%Y-%m-%d}"
            f" ({how}, {purge.kept} kept)"
        )
    return "\n".join(lines)


def _describe_class(one: DataClassView) -> list[str]:
    due = f"{'more than ' if one.due_is_more else ''}{one.due} rows in the next run"
    state = "on hold" if one.is_held else due if one.due else f"next {one.next_at:%Y-%m-%d}" if one.next_at else "empty"
    oldest = f", oldest {one.oldest_at:%Y-%m-%d}" if one.oldest_at else ""
    rows = f"{'about ' if one.rows_are_estimated else ''}{one.rows} rows"
    lines = [f"{one.name}: {one.keep_days} days; {rows}, {one.bytes // 1024} KiB{oldest}; {state}"]
    return lines + [f"  {element.element}: {element.keep_days} days" for element in one.elements]


COMMANDS: Final = (CliCommand(command=retention),)
