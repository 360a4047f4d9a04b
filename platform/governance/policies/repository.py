"""SQL of drafts and their edits."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from governance.policies.rows import Draft
from governance.policies.states import IS_OPEN_DRAFT, DraftState
from policy.rules import PolicyRule, rule_fields, rule_from

_COLUMNS: Final = ", ".join(name for name in Draft.__struct_fields__ if name != "edits")
_PUT: Final = text("""
    INSERT INTO policy_draft_edit (tenant_id, msp_id, draft_id, rule_id, rule, position)
    SELECT :t, :m, :d, :rule_id, :rule,
           coalesce((SELECT max(position) + 1 FROM policy_draft_edit WHERE tenant_id = :t AND draft_id = :d), 1)
        ON CONFLICT (tenant_id, draft_id, rule_id) DO UPDATE SET rule = excluded.rule
""").bindparams(bindparam("rule", type_=JSONB(none_as_null=True)))


async def find_draft(session: AsyncSession, *, lock: bool = False) -> Draft | None:
    """The open draft with its edits. `lock` serialises its editors."""
    row = (
        await session.execute(
            text(f"""
                SELECT {_COLUMNS} FROM policy_draft WHERE tenant_id = :t AND {IS_OPEN_DRAFT}
                {"FOR UPDATE" if lock else ""}
            """),
            {"t": scope_of(session).tenant_id},
        )
    ).one_or_none()
    if row is None:
        return None
    found = Draft(*row)
    return msgspec.structs.replace(found, edits=await load_edits(session, found.id))


async def load_edits(session: AsyncSession, draft_id: UUID) -> dict[str, PolicyRule | None]:
    """Edits of a draft by rule id, in their order."""
    edits = await session.execute(
        text("""
            SELECT rule_id, rule FROM policy_draft_edit WHERE tenant_id = :t AND draft_id = :d
             ORDER BY position, rule_id
        """),
        {"t": scope_of(session).tenant_id, "d": draft_id},
    )
    return {one.rule_id: None if one.rule is None else rule_from(one.rule_id, one.rule) for one in edits}


async def insert_draft(session: AsyncSession, draft_id: UUID, *, now: datetime) -> None:
    """Open a draft, unless someone else has just opened one."""
    scope = scope_of(session)
    await session.execute(
        text(f"""
            INSERT INTO policy_draft (tenant_id, msp_id, id, state, editors, editor_names, opened_at, changed_at)
            VALUES (:t, :m, :d, '{DraftState.OPEN}', '{{}}', '{{}}', :now, :now)
                ON CONFLICT (tenant_id) WHERE {IS_OPEN_DRAFT} DO NOTHING
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "d": draft_id, "now": now},
    )


async def put_edit(session: AsyncSession, draft_id: UUID, rule_id: str, rule: PolicyRule | None) -> None:
    scope = scope_of(session)
    fields: dict[str, Any] = {"t": scope.tenant_id, "m": scope.msp_id, "d": draft_id, "rule_id": rule_id}
    await session.execute(_PUT, fields | {"rule": None if rule is None else rule_fields(rule)})


async def delete_edits(session: AsyncSession, draft_id: UUID, rule_id: str | None = None) -> None:
    """Delete the edit of one rule, or all."""
    await session.execute(
        text(f"""
            DELETE FROM policy_draft_edit WHERE tenant_id = :t AND draft_id = :d
               {"" if rule_id is None else "AND rule_id = :rule_id"}
        """),
        {"t": scope_of(session).tenant_id, "d": draft_id} | ({} if rule_id is None else {"rule_id": rule_id}),
    )


async def record_editor(session: AsyncSession, draft_id: UUID, *, restores: int | None = None, now: datetime) -> None:
    """Count an edit by the scope's actor. Everybody who counts as the actor counts as an editor."""
    actor = scope_of(session).actor
    await session.execute(
        text("""
            UPDATE policy_draft SET revision = revision + 1, changed_at = :now,
                   restores = coalesce(CAST(:restores AS integer), restores),
                   editors = ARRAY(SELECT DISTINCT e FROM unnest(editors || CAST(:ids AS varchar[])) e ORDER BY e),
                   editor_names = ARRAY(SELECT DISTINCT e FROM unnest(editor_names || CAST(:names AS varchar[])) e
                                         ORDER BY e)
             WHERE tenant_id = :t AND id = :d
        """),
        {
            "t": scope_of(session).tenant_id, "d": draft_id, "now": now, "restores": restores,
            "ids": sorted(actor.same_identity), "names": [actor.name],
        },
    )  # fmt: skip


async def end_draft(
    session: AsyncSession, draft_id: UUID, state: DraftState, *, version: int | None = None, now: datetime
) -> None:
    """End the open draft, by the scope's actor."""
    scope = scope_of(session)
    await session.execute(
        text(f"""
            UPDATE policy_draft SET state = '{state}', ended_at = :now, ended_by = :id, ended_by_name = :name,
                   version = :version
             WHERE tenant_id = :t AND id = :d AND {IS_OPEN_DRAFT}
        """),
        {
            "t": scope.tenant_id, "d": draft_id, "now": now, "id": scope.actor.id, "name": scope.actor.name,
            "version": version,
        },
    )  # fmt: skip
