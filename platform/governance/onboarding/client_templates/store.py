"""SQL of templates, their versions and their use."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.messages import MessageText, StoredMessage, encode_message, to_message
from foundation.relations import DEAD_LETTERS
from foundation.text import clean_foreign_text
from governance.onboarding.client_templates.content import TemplateContent
from governance.onboarding.job_types import SET_TEMPLATE_BILLING


class StoredVersion(msgspec.Struct, frozen=True, kw_only=True):
    template_id: UUID
    name: str
    version: int
    latest: int
    content: TemplateContent
    note: str
    created_at: datetime
    created_by: str


class StoredUse(msgspec.Struct, frozen=True, kw_only=True):
    """The template that a client follows, as it was applied. `billing_failed`: the job that has to set plan and prices
    stopped after repeated attempts.
    """

    template_id: UUID
    template_name: str
    version: int
    content: TemplateContent
    kept: Collection[str]
    applied_at: datetime
    applied_by: str
    billing_due_at: datetime | None
    billing_failed: bool
    billing_problems: Sequence[StoredMessage]


_VERSION: Final = """
    SELECT t.id AS template_id, t.name, v.version, t.version AS latest, v.items AS content, v.note, v.created_at,
           v.created_by
      FROM client_template t
      JOIN client_template_version v ON v.tenant_id = t.tenant_id AND v.template_id = t.id
"""


BILLING_FAILED: Final = f"""EXISTS (SELECT 1 FROM {DEAD_LETTERS} d WHERE d.tenant_id = u.tenant_id AND d.kind = :job
    AND d.state = 'open' AND d.died_at >= u.billing_due_at)"""
"""Condition of a use `u`; a later application of the template has a job of its own."""


async def load_version(session: AsyncSession, template_id: UUID, version: int | None = None) -> StoredVersion:
    """A version of a template of the scope's MSP; the newest if none is named. In the MSP account or the fleet's scope.

    Raises:
        NotFound: no such template, or no such version.
    """
    rows = await session.execute(
        text(f"{_VERSION} WHERE t.tenant_id = :m AND t.id = :id AND v.version = coalesce(:version, t.version)"),
        {"m": scope_of(session).msp_id, "id": template_id, "version": version},
    )
    row = rows.one_or_none()
    if row is None:
        raise NotFound
    return _version(row)


async def list_named(session: AsyncSession, names: Collection[str]) -> dict[str, StoredVersion]:
    """The newest versions of the scope's MSP's templates with these names."""
    rows = await session.execute(
        text(f"{_VERSION} WHERE t.tenant_id = :m AND t.name = ANY (:names) AND v.version = t.version"),
        # A name from the command line or a file may have characters that cannot be stored: no template has it.
        {"m": scope_of(session).msp_id, "names": [clean_foreign_text(name) for name in names]},
    )
    return {row.name: _version(row) for row in rows}


async def list_versions(session: AsyncSession, template_id: UUID) -> list[StoredVersion]:
    """All versions of a template, the newest first."""
    rows = await session.execute(
        text(f"{_VERSION} WHERE t.tenant_id = :m AND t.id = :id ORDER BY v.version DESC"),
        {"m": scope_of(session).msp_id, "id": template_id},
    )
    return [_version(row) for row in rows]


async def list_options(session: AsyncSession) -> list[tuple[str, str]]:
    """Id and name of each template of the scope's MSP."""
    rows = await session.execute(
        text("SELECT id, name FROM client_template WHERE tenant_id = :m ORDER BY name"),
        {"m": scope_of(session).msp_id},
    )
    return [(str(row.id), row.name) for row in rows]


async def find_use(session: AsyncSession) -> StoredUse | None:
    """The template that the scope's client follows."""
    rows = await session.execute(
        text(f"""
            SELECT template_id, template_name, version, items AS content, own_items AS kept, applied_at, applied_by,
                   billing_due_at, billing_problem AS billing_problems, {BILLING_FAILED} AS billing_failed
              FROM client_template_use u WHERE tenant_id = :t
        """),
        {"t": scope_of(session).tenant_id, "job": SET_TEMPLATE_BILLING.name},
    )
    row = rows.one_or_none()
    if row is None:
        return None
    fields = {name: getattr(row, name) for name in StoredUse.__struct_fields__}
    fields["content"] = msgspec.convert(row.content, TemplateContent)
    stored = row.billing_problems or []
    found = [to_message(one) for one in (stored if isinstance(stored, list) else [stored])]
    fields["billing_problems"] = [one for one in found if one is not None]
    return StoredUse(**fields)


async def put_use(session: AsyncSession, used: StoredVersion, kept: Collection[str], *, now: datetime) -> None:
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO client_template_use
                   (tenant_id, msp_id, template_id, template_name, version, items, own_items, applied_at, applied_by)
            VALUES (:t, :m, :id, :name, :version, CAST(:content AS jsonb), CAST(:kept AS varchar[]), :now, :by)
                ON CONFLICT (tenant_id) DO UPDATE SET template_id = excluded.template_id,
                   template_name = excluded.template_name, version = excluded.version, items = excluded.items,
                   own_items = excluded.own_items, applied_at = excluded.applied_at, applied_by = excluded.applied_by,
                   billing_due_at = NULL, billing_problem = NULL
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": used.template_id, "name": used.name,
            "version": used.version, "content": msgspec.json.encode(used.content).decode(), "kept": sorted(kept),
            "now": now, "by": scope.actor.name,
        },
    )  # fmt: skip


async def put_kept(session: AsyncSession, kept: Collection[str]) -> None:
    await session.execute(
        text("UPDATE client_template_use SET own_items = CAST(:kept AS varchar[]) WHERE tenant_id = :t"),
        {"t": scope_of(session).tenant_id, "kept": sorted(kept)},
    )


async def put_billing_due(session: AsyncSession, now: datetime) -> None:
    await session.execute(
        text("UPDATE client_template_use SET billing_due_at = :now WHERE tenant_id = :t"),
        {"t": scope_of(session).tenant_id, "now": now},
    )


async def end_billing(session: AsyncSession, *, due_at: datetime | None, problems: Sequence[MessageText]) -> None:
    """Record that plan and prices of the version applied at `due_at` are set, or the `problems`."""
    await session.execute(
        text("""
            UPDATE client_template_use SET billing_due_at = NULL, billing_problem = CAST(:problem AS jsonb)
             WHERE tenant_id = :t AND billing_due_at = :due_at
        """),
        {
            "t": scope_of(session).tenant_id,
            "due_at": due_at,
            "problem": f"[{','.join(encode_message(one.message) for one in problems)}]" if problems else None,
        },
    )


async def insert_version(  # noqa: PLR0913 - the columns of one row
    session: AsyncSession, template_id: UUID, version: int, content: TemplateContent, *, note: str, now: datetime
) -> None:
    scope = scope_of(session)
    await session.execute(
        text("""
            INSERT INTO client_template_version
                   (tenant_id, msp_id, template_id, version, items, note, created_at, created_by)
            VALUES (:t, :m, :id, :version, CAST(:content AS jsonb), :note, :now, :by)
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": template_id, "version": version, "note": note, "now": now,
            "content": msgspec.json.encode(content).decode(), "by": scope.actor.name,
        },
    )  # fmt: skip


def _version(row: Row[Any]) -> StoredVersion:
    return StoredVersion(
        template_id=row.template_id, name=row.name, version=row.version, latest=row.latest,
        content=msgspec.convert(row.content, TemplateContent), note=row.note, created_at=row.created_at,
        created_by=row.created_by,
    )  # fmt: skip
