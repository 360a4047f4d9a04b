"""SQL of drafts that come into force at a later time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.i18n.messages import StoredMessage, encode_message
from governance.policies.repository import find_draft, load_edits
from governance.policies.rows import Draft, ScheduledDraft
from governance.policies.states import IS_OPEN_DRAFT, IS_SCHEDULED, DraftState

_COLUMNS: Final = ", ".join(name for name in ScheduledDraft.__struct_fields__ if name != "edits")
NEXT_PUBLICATION: Final = text(f"SELECT min(publish_at) FROM policy_draft WHERE tenant_id = :t AND {IS_SCHEDULED}")


async def list_scheduled(
    session: AsyncSession, states: Sequence[DraftState], *, until: datetime | None = None, lock: bool = False
) -> list[ScheduledDraft]:
    """Drafts in `states` with their edits, the earliest first; with `until`, only drafts due by then."""
    rows = await session.execute(
        text(f"""
            SELECT {_COLUMNS} FROM policy_draft
             WHERE tenant_id = :t AND state = ANY (CAST(:states AS varchar[]))
               AND publish_at <= coalesce(CAST(:until AS timestamptz), 'infinity')
             ORDER BY publish_at, id {"FOR UPDATE" if lock else ""}
        """),
        {"t": scope_of(session).tenant_id, "states": [each.value for each in states], "until": until},
    )
    found = [ScheduledDraft(*row) for row in rows]
    return [msgspec.structs.replace(one, edits=await load_edits(session, one.id)) for one in found]


async def find_undecided(session: AsyncSession, draft_id: UUID) -> Draft | ScheduledDraft | None:
    """The draft, if it is open or scheduled."""
    draft = await find_draft(session)
    if draft is not None and draft.id == draft_id:
        return draft
    return await find_scheduled(session, draft_id)


async def find_scheduled(session: AsyncSession, draft_id: UUID) -> ScheduledDraft | None:
    return next((one for one in await list_scheduled(session, [DraftState.SCHEDULED]) if one.id == draft_id), None)


async def schedule_draft(session: AsyncSession, draft_id: UUID, *, publish_at: datetime) -> None:
    """Schedule the open draft for `publish_at`, by the scope's actor."""
    scope = scope_of(session)
    await session.execute(
        text(f"""
            UPDATE policy_draft SET state = '{DraftState.SCHEDULED}', publish_at = :at, scheduled_by = :id,
                   scheduled_by_name = :name
             WHERE tenant_id = :t AND id = :d AND {IS_OPEN_DRAFT}
        """),
        {"t": scope.tenant_id, "d": draft_id, "at": publish_at, "id": scope.actor.id, "name": scope.actor.name},
    )


async def move_scheduled(  # noqa: PLR0913 - keyword-only columns
    session: AsyncSession,
    draft: ScheduledDraft,
    state: DraftState,
    *,
    now: datetime,
    version: int | None = None,
    failure: StoredMessage | None = None,
) -> None:
    """Publish, withdraw or open again a scheduled draft. The publisher on record is the member who scheduled it."""
    again = state is DraftState.OPEN
    await session.execute(
        text("""
            UPDATE policy_draft SET state = :state, version = :version, failure = CAST(:failure AS jsonb),
                   ended_at = :ended, ended_by = :by, ended_by_name = :name,
                   publish_at = CASE WHEN :again THEN NULL ELSE publish_at END,
                   scheduled_by = CASE WHEN :again THEN NULL ELSE scheduled_by END,
                   scheduled_by_name = CASE WHEN :again THEN NULL ELSE scheduled_by_name END
             WHERE tenant_id = :t AND id = :d
        """),
        {
            "t": scope_of(session).tenant_id, "d": draft.id, "state": state.value, "version": version, "again": again,
            "failure": None if failure is None else encode_message(failure), "ended": None if again else now,
            "by": None if again else draft.scheduled_by, "name": None if again else draft.scheduled_by_name,
        },
    )  # fmt: skip
