"""Parts of the example room: one of each kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
import msgspec
from litestar import get
from litestar.response import Template
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.messages import ShipmentUpdated
from connectors.translation.subscriptions import MessageSubscription, Received, message_id
from foundation.commands import CommandResult, operator_scope, run_with_services
from foundation.database.engine import scope_of
from foundation.events import EventType, Subscription
from foundation.jobs.batch import Batch
from foundation.jobs.registry import JobHandler
from foundation.jobs.repair import ensure_timer
from foundation.jobs.types import JobType, NoPayload
from foundation.marks import NN_
from foundation.permissions import Permission
from foundation.retention import DataClass, RetainedTable
from foundation.rooms import AppServices, CliCommand, NavArea, NavEntry, RoleGrant, Room
from foundation.usage.ledger import Usage, record_usage
from foundation.usage.meters import Meter, UsageDescription
from foundation.vault.rotation import EncryptedColumn
from tenants.command_options import CLIENT, MSP
from tenants.web.dependencies import OpenAccess
from tests.controlplane.example_room import models

COUNT: Final = JobType("example.count_notes", "Count notes", NoPayload)
NOTED: Final = EventType("note.written", "A note was written", NoPayload)


class NotePermission(Permission):
    READ = "note:read", "Read notes"


class NoteList(msgspec.Struct, frozen=True):
    items: Sequence[str]


async def list_notes(session: AsyncSession) -> list[str]:
    query = text("SELECT text FROM example_note WHERE tenant_id = :t ORDER BY text")
    return list(await session.scalars(query, {"t": scope_of(session).tenant_id}))


@get("/api/v1/clients/{client:str}/notes", opt={"permission": NotePermission.READ}, tags=["notes"])
async def list_note_texts(access: OpenAccess) -> NoteList:
    """Notes of this client."""
    return NoteList(await list_notes(access.session))


@get("/clients/{client:str}/notes", opt={"permission": NotePermission.READ}, include_in_schema=False)
async def notes_page(access: OpenAccess) -> Template:
    return Template(
        "example/notes.html", context={"page": access.page("Notes"), "notes": await list_notes(access.session)}
    )


async def describe(session: AsyncSession, client_id: UUID, events: Sequence[UUID]) -> Mapping[UUID, UsageDescription]:
    return {one: UsageDescription("a note", "written", "here", "/notes") for one in events}


async def note_shipments(session: AsyncSession, received: Sequence[Received[ShipmentUpdated]]) -> None:
    for origin, messages in ((each.origin, each.messages) for each in received):
        for message in messages:
            note = text("INSERT INTO example_note VALUES (:t, :m, :id, :text, NULL, :now) ON CONFLICT DO NOTHING")
            scope = scope_of(session)
            binds = {"t": scope.tenant_id, "m": scope.msp_id, "id": message_id(origin, message)}
            await session.execute(note, binds | {"text": message.number, "now": origin.received_at})


METER: Final = Meter(
    name="notes.written",
    unit=NN_("{number} note", "{number} notes"),
    label="Notes",
    permission=NotePermission.READ,
    describe=describe,
)  # fmt: skip


def _jobs(services: AppServices) -> Sequence[JobHandler[Any]]:
    async def count(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            uses = [Usage(METER.name, item.ref, 1, services.clock()) for item in batch.items if item.ref is not None]
            record_usage(session, uses)

    return (JobHandler(COUNT, count),)


async def repair_notes(session: AsyncSession, now: Any) -> None:
    await ensure_timer(session, name="notes", lane="notes", job_type=COUNT, due_at=now)


@click.command("count-notes")
@MSP
@CLIENT
def count_command(msp_id: UUID, tenant_id: UUID) -> None:
    """Count a client's notes."""

    async def act(services: AppServices) -> CommandResult:
        async with services.db.transaction(operator_scope(msp_id, tenant_id)) as session:
            count = len(await list_notes(session))
        return CommandResult(f"{count} notes", {"notes": count})

    run_with_services(act)


ROOM: Final = Room(
    name="example",
    models=(models,),
    routes=(list_note_texts,),
    pages=(notes_page,),
    folder=Path(__file__).parent,
    navigation=(
        NavEntry(
            area=NavArea.CLIENT, position=90, label="Notes", path="/notes", icon="home",
            permission=NotePermission.READ, badge="SELECT 1 FROM example_note WHERE tenant_id = :t",
            badge_permission=NotePermission.READ,
        ),
    ),
    job_types=(COUNT,),
    jobs=_jobs,
    events=(NOTED,),
    subscriptions=(Subscription(NOTED, COUNT, lambda _: NoPayload()),),
    message_subscriptions=(MessageSubscription(ShipmentUpdated, note_shipments),),
    repairs=(repair_notes,),
    meters=(METER,),
    permissions=(NotePermission,),
    grants=(RoleGrant("client_approver", NotePermission.READ),),
    sealed_columns=(EncryptedColumn("example_note", "sealed", "note:{id}"),),
    retained=(
        DataClass(
            "notes", "Notes", "Notes of people.", (RetainedTable("example_note", "id"),), default_days=90, least_days=7
        ),
    ),
    commands=(CliCommand(command=count_command, under="client"),),
)  # fmt: skip
