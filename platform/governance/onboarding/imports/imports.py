"""Use cases of imports: the preview, the start, the creation of rows by a job, and the latest import."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import Database, scope_of
from foundation.errors import Conflict, DomainError, InvalidInput, NotFound
from foundation.i18n.messages import encode_text, text_of, to_message
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.marks import N_
from foundation.scope import Actor, Scope
from governance.messages.writer import write_reason
from governance.onboarding.audit_actions import OnboardingAction
from governance.onboarding.client_templates.store import list_named
from governance.onboarding.create_client import create_client
from governance.onboarding.imports.job_types import IMPORT_CLIENTS, IMPORT_LANE
from governance.onboarding.imports.parse import ParsedClient, parse_clients
from governance.onboarding.imports.schemas import ImportedRow, ImportPreview, ImportView, PreviewRow
from governance.onboarding.imports.states import IMPORT_ROWS, IMPORTS, ImportRowState, ImportState
from governance.services import GovernanceServices
from tenants.client_input import ClientInput
from tenants.errors import SlugTaken
from tenants.relations import CLIENTS

PAGE: Final = 20
"""Rows that one run of the job creates."""


async def preview_import(session: AsyncSession, csv: str) -> ImportPreview:
    """Preview an import of the file, without creating anything. In the fleet's scope. Raises InvalidInput."""
    parsed = await _parse(session, csv)
    known = await _known_slugs(session, parsed)
    rows = [_preview(one, known) for one in parsed]
    counts = {name: sum(row.result == name for row in rows) for name in ("new", "existing", "wrong")}
    return ImportPreview(**counts, rows=rows)


async def _parse(session: AsyncSession, csv: str) -> Sequence[ParsedClient]:
    """The rows of the file; one with a template that the MSP does not have is wrong. Raises InvalidInput."""
    parsed = parse_clients(csv)
    named = {one.template for one in parsed if one.template}
    known = await list_named(session, named) if named else {}
    return [
        msgspec.structs.replace(one, client=None, error=_no_template(one.template))
        if one.client is not None and one.template and one.template not in known
        else one
        for one in parsed
    ]


def _require_template(name: str, known: Collection[str]) -> None:
    """Raises InvalidInput."""
    if name and name not in known:
        raise _no_template(name)


def _no_template(name: str) -> InvalidInput:
    return InvalidInput(N_("There is no template “{name}”."), params={"name": name[:120]}, field="template")


def _preview(one: ParsedClient, known: set[str]) -> PreviewRow:
    if one.error is not None:
        return PreviewRow(one.line, one.slug, one.name, "wrong", one.error.detail)
    return PreviewRow(one.line, one.slug, one.name, "existing" if one.slug in known else "new", "")


async def _known_slugs(session: AsyncSession, parsed: Sequence[ParsedClient]) -> set[str]:
    found = await session.scalars(
        text(f"SELECT slug FROM {CLIENTS} c WHERE msp_id = :msp AND slug = ANY (:slugs)"),
        {"msp": scope_of(session).msp_id, "slugs": [one.slug for one in parsed if one.client is not None]},
    )
    return set(found)


async def start_import(session: AsyncSession, csv: str, *, now: datetime, import_id: UUID) -> UUID:
    """Start the creation of a file's clients. In the MSP account.

    Raises:
        InvalidInput: a row is wrong, or there is none.
        Conflict: an import runs already.
    """
    parsed, scope = await _parse(session, csv), scope_of(session)
    if not parsed:
        raise InvalidInput(N_("The file has no clients."), field="csv")
    for one in parsed:
        if one.error is not None:
            params = {"line": str(one.line), "problem": one.error.detail}
            raise InvalidInput(N_("Line {line}: {problem}"), params=params, field="csv")
    keys = {"t": scope.tenant_id, "m": scope.msp_id, "id": import_id}
    made = await session.scalar(
        text("""
            INSERT INTO client_import
                   (tenant_id, msp_id, id, state, total, started_at, actor_kind, actor_id, actor_name)
            VALUES (:t, :m, :id, :state, :total, :now, :kind, :actor, :name)
            ON CONFLICT (tenant_id) WHERE state = 'running' DO NOTHING RETURNING id
        """),
        {
            **keys, "state": IMPORTS.start(ImportState.RUNNING), "total": len(parsed), "now": now,
            "kind": scope.actor.kind, "actor": scope.actor.id, "name": scope.actor.name,
        },
    )  # fmt: skip
    if made is None:
        raise Conflict(N_("Another import is still running. Wait until it has ended."))
    await session.execute(
        text("""
            INSERT INTO client_import_row (tenant_id, msp_id, import_id, line, client, template, state)
            SELECT :t, :m, :id, r.line, CAST(r.client AS jsonb), r.template, :state
              FROM unnest(CAST(:lines AS integer[]), CAST(:clients AS varchar[]), CAST(:templates AS varchar[]))
                   AS r (line, client, template)
        """),
        {
            **keys, "state": IMPORT_ROWS.start(ImportRowState.WAITING), "lines": [one.line for one in parsed],
            "clients": [msgspec.json.encode(one.client).decode() for one in parsed],
            "templates": [one.template for one in parsed],
        },
    )  # fmt: skip
    enqueue(session, [_job(import_id)])
    append_audit(
        session, action=OnboardingAction.IMPORT_STARTED, subject=f"client_import:{import_id}",
        data={"clients": len(parsed)}, at=now,
    )  # fmt: skip
    return import_id


def _job(import_id: UUID) -> NewJob[NoPayload]:
    return NewJob(IMPORT_LANE, IMPORT_CLIENTS, key=str(import_id), ref=import_id, correlation=str(import_id))


def import_handler(db: Database, services: GovernanceServices) -> Handler[NoPayload]:
    async def create_page(batch: Batch[NoPayload]) -> None:
        results = [(item.ref, await _create_rows(db, services, batch.scope, item.ref)) for item in batch.items]
        async with batch.commit() as session:
            for import_id, done in results:
                if import_id is not None:
                    await _record(session, import_id, done, now=services.clock())

    return create_page


Done = Sequence[tuple[int, ImportRowState, str | None]]


async def _create_rows(db: Database, services: GovernanceServices, scope: Scope, import_id: UUID | None) -> Done:
    """Create the next clients, each in a transaction of its own account. A client exists already if an earlier run
    ended before recording its results.
    """
    async with db.transaction(scope) as session:
        rows = (
            await session.execute(
                text("""
                    SELECT r.line, r.client, r.template, i.actor_kind, i.actor_id, i.actor_name
                      FROM client_import_row r JOIN client_import i ON i.tenant_id = r.tenant_id AND i.id = r.import_id
                     WHERE r.tenant_id = :t AND r.import_id = :i AND r.state = 'waiting' ORDER BY r.line LIMIT :page
                """),
                {"t": scope.tenant_id, "i": import_id, "page": PAGE},
            )
        ).all()
        templates = await list_named(session, {row.template for row in rows if row.template})
    done: list[tuple[int, ImportRowState, str | None]] = []
    for row in rows:
        actor = Actor(kind=row.actor_kind, id=row.actor_id, name=row.actor_name)
        own = Scope(msp_id=scope.msp_id, tenant_id=services.new_id(), actor=actor)
        try:
            new = msgspec.convert(row.client, ClientInput)
            _require_template(row.template, templates)
            await create_client(
                db, own, new, clock=services.clock, new_id=services.new_id, template=templates.get(row.template),
                holds_values=True,
            )  # fmt: skip
        except SlugTaken:
            done.append((row.line, ImportRowState.EXISTING, None))
        except DomainError as error:
            done.append((row.line, ImportRowState.FAILED, encode_text(text_of(error))))
        else:
            done.append((row.line, ImportRowState.CREATED, None))
    return done


async def _record(session: AsyncSession, import_id: UUID, done: Done, *, now: datetime) -> None:
    keys = {"t": scope_of(session).tenant_id, "i": import_id}
    for line, state, error in done:
        await session.execute(
            text("""
                UPDATE client_import_row SET state = :state, error = CAST(:error AS jsonb)
                 WHERE tenant_id = :t AND import_id = :i AND line = :line AND state = 'waiting'
            """),
            {**keys, "line": line, "state": state, "error": error},
        )
    left = await session.scalar(
        text("""
            SELECT count(*) FROM client_import_row WHERE tenant_id = :t AND import_id = :i AND state = 'waiting'
        """),
        keys,
    )
    if left:
        enqueue(session, [_job(import_id)])
        return
    await session.execute(
        text("""
            UPDATE client_import SET state = :done, ended_at = :now
             WHERE tenant_id = :t AND id = :i AND state = 'running'
        """),
        {**keys, "done": ImportState.DONE, "now": now},
    )


async def load_latest_import(session: AsyncSession) -> ImportView:
    """The MSP's latest import with the result of each row. In the MSP account. Raises NotFound."""
    t = scope_of(session).tenant_id
    found = (
        await session.execute(
            text("""
                SELECT id, state, started_at, ended_at, actor_name, total FROM client_import
                 WHERE tenant_id = :t ORDER BY started_at DESC LIMIT 1
            """),
            {"t": t},
        )
    ).one_or_none()
    if found is None:
        raise NotFound(N_("No clients were imported yet."))
    rows = await session.execute(
        text("""
            SELECT line, client ->> 'slug' AS slug, client ->> 'name' AS name, state, error FROM client_import_row
             WHERE tenant_id = :t AND import_id = :i ORDER BY line
        """),
        {"t": t, "i": found.id},
    )
    views = [_row(row) for row in rows]
    done = sum(one.state is not ImportRowState.WAITING for one in views)
    return ImportView(
        found.id, ImportState.of(found.state), found.started_at, found.ended_at, found.actor_name, found.total, done,
        views,
    )  # fmt: skip


def _row(row: Any) -> ImportedRow:
    problem = to_message(row.error)
    return ImportedRow(row.line, row.slug, row.name, ImportRowState.of(row.state), problem, write_reason(problem) or "")
