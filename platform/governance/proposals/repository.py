"""SQL of scheduled proposals."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.values import Value, read_value
from foundation.database.engine import scope_of
from foundation.i18n.messages import StoredMessage, encode_message
from governance.proposals.states import IS_SCHEDULED, ScheduleState
from governance.records.keys import KEY_COLUMNS, key_of

NEXT_PROPOSAL: Final = text(f"SELECT min(effective_at) FROM scheduled_proposal WHERE tenant_id = :t AND {IS_SCHEDULED}")


class DueProposal(msgspec.Struct, frozen=True):
    id: UUID
    key: ElementKey
    value: Value
    note: str
    author: str
    author_name: str
    on_behalf_of: str
    author_roles: Sequence[str]


async def list_due(session: AsyncSession, *, until: datetime, limit: int) -> Sequence[DueProposal]:
    """Scheduled proposals that are due, the earliest first."""
    return await _load(session, "effective_at <= :until", "LIMIT :limit", {"until": until, "limit": limit})


async def lock_scheduled(session: AsyncSession, ids: Collection[UUID]) -> Sequence[DueProposal]:
    """Lock the proposals of `ids` that are still scheduled, the earliest first."""
    return await _load(session, "id = ANY (:ids)", "FOR UPDATE", {"ids": list(ids)})


async def _load(session: AsyncSession, which: str, end: str, binds: Mapping[str, object]) -> Sequence[DueProposal]:
    rows = await session.execute(
        text(f"""
            SELECT id, {KEY_COLUMNS}, value, note, author, author_name, on_behalf_of, author_roles
              FROM scheduled_proposal
             WHERE tenant_id = :t AND {IS_SCHEDULED} AND {which} ORDER BY effective_at, id {end}
        """),
        {"t": scope_of(session).tenant_id, **binds},
    )
    return [
        DueProposal(
            row.id, key_of(row), read_value(row.value), row.note, row.author, row.author_name, row.on_behalf_of,
            row.author_roles,
        )
        for row in rows
    ]  # fmt: skip


async def end_schedule(  # noqa: PLR0913 - keyword-only columns
    session: AsyncSession,
    proposal_id: UUID,
    state: ScheduleState,
    *,
    now: datetime,
    change_id: UUID | None = None,
    failure: StoredMessage | None = None,
) -> None:
    """End a scheduled proposal, which the caller has locked."""
    scope = scope_of(session)
    await session.execute(
        text(f"""
            UPDATE scheduled_proposal SET state = :state, change_id = :change, failure = CAST(:failure AS jsonb),
                   ended_at = :now, ended_by = :by
             WHERE tenant_id = :t AND id = :id AND {IS_SCHEDULED}
        """),
        {
            "t": scope.tenant_id, "id": proposal_id, "state": state.value, "change": change_id, "now": now,
            "by": scope.actor.name, "failure": None if failure is None else encode_message(failure),
        },
    )  # fmt: skip
