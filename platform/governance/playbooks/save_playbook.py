"""Saving of a playbook, in the MSP account."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.ids import NewId
from foundation.names import clean_name
from governance.playbooks.audit_actions import PlaybookAction
from governance.playbooks.content import PlaybookContent, check_playbook
from governance.playbooks.schemas import PlaybookSaved, PlaybookView


async def save_playbook(
    session: AsyncSession, *, name: str, content: PlaybookContent, now: datetime, new_id: NewId
) -> PlaybookSaved:
    """Save a playbook; one of this name is replaced. Projects that were started by it stay as they are.

    Raises:
        InvalidInput: the name or a task is malformed.
    """
    scope, name, content = scope_of(session), clean_name(name), check_playbook(content)
    rows = await session.execute(
        text("""
            INSERT INTO playbook (tenant_id, msp_id, id, name, tasks, revision, changed_at, changed_by)
            VALUES (:t, :m, :id, :name, CAST(:content AS jsonb), 1, :now, :by)
                ON CONFLICT (tenant_id, name) DO UPDATE SET tasks = excluded.tasks,
                   revision = playbook.revision + 1, changed_at = excluded.changed_at, changed_by = excluded.changed_by
            RETURNING id, revision
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": new_id(), "name": name, "now": now,
            "content": msgspec.json.encode(content).decode(), "by": scope.actor.name,
        },
    )  # fmt: skip
    saved = PlaybookSaved(*rows.one())
    append_audit(
        session, action=PlaybookAction.PLAYBOOK_SAVED, subject=f"playbook:{saved.playbook_id}",
        data={"name": name, "revision": saved.revision, "tasks": len(content.tasks)}, at=now,
    )  # fmt: skip
    return saved


async def load_playbook(session: AsyncSession, playbook_id: UUID) -> PlaybookView:
    """A playbook of the scope's MSP; in the MSP account or the fleet's scope. Raises NotFound."""
    rows = await session.execute(
        text("""
            SELECT id, name, revision, changed_at, changed_by, tasks AS content FROM playbook
             WHERE tenant_id = :m AND id = :id
        """),
        {"m": scope_of(session).msp_id, "id": playbook_id},
    )
    row = rows.one_or_none()
    if row is None:
        raise NotFound
    return PlaybookView(
        id=row.id, name=row.name, revision=row.revision, changed_at=row.changed_at, changed_by=row.changed_by,
        content=msgspec.convert(row.content, PlaybookContent),
    )  # fmt: skip


async def list_playbook_options(session: AsyncSession) -> list[tuple[str, str]]:
    """Id and name of each playbook of the scope's MSP."""
    rows = await session.execute(
        text("SELECT id, name FROM playbook WHERE tenant_id = :m ORDER BY name"), {"m": scope_of(session).msp_id}
    )
    return [(str(row.id), row.name) for row in rows]
