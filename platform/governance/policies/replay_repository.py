"""SQL of replays. Recorded changes are read in the order of their ids, which is that of their time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.values import value_json
from foundation.database.engine import scope_of
from foundation.i18n.messages import encode_message
from foundation.ids import id_floor
from governance.policies.rows import Difference, PolicyReplayRow, RecordedChange
from governance.policies.states import ReplayState
from governance.records.values import row_reader

_COLUMNS: Final = ", ".join(PolicyReplayRow.__struct_fields__)
_CHANGE_COLUMNS: Final = ", ".join(f"c.{name}" for name in RecordedChange.__struct_fields__)
_READ_CHANGE: Final = row_reader(RecordedChange)
_MOVE: Final = text("""
    UPDATE policy_replay SET after_id = :after_id, replayed = replayed + :replayed, differing = differing + :differing,
           counts = :counts, money = :money, state = :state, ended_at = :ended_at
     WHERE tenant_id = :t AND id = :r
""").bindparams(bindparam("counts", type_=JSONB), bindparam("money", type_=JSONB))


async def insert_replay(session: AsyncSession, replay: PolicyReplayRow) -> None:
    scope = scope_of(session)
    fields = msgspec.structs.asdict(replay)
    await session.execute(
        text(f"""
            INSERT INTO policy_replay (tenant_id, msp_id, {_COLUMNS})
            VALUES (:t, :m, {", ".join(f":{name}" for name in PolicyReplayRow.__struct_fields__)})
        """).bindparams(bindparam("counts", type_=JSONB), bindparam("money", type_=JSONB)),
        {"t": scope.tenant_id, "m": scope.msp_id, **fields},
    )


async def find_replay(session: AsyncSession, replay_id: UUID, *, lock: bool = False) -> PolicyReplayRow | None:
    row = (
        await session.execute(
            text(f"""
                SELECT {_COLUMNS} FROM policy_replay WHERE tenant_id = :t AND id = :r {"FOR UPDATE" if lock else ""}
            """),
            {"t": scope_of(session).tenant_id, "r": replay_id},
        )
    ).one_or_none()
    return None if row is None else PolicyReplayRow(*row)


async def list_replays_of(session: AsyncSession, draft_id: UUID) -> list[PolicyReplayRow]:
    """Replays of a draft, the newest first."""
    rows = await session.execute(
        text(f"SELECT {_COLUMNS} FROM policy_replay WHERE tenant_id = :t AND draft_id = :d ORDER BY id DESC LIMIT 20"),
        {"t": scope_of(session).tenant_id, "d": draft_id},
    )
    return [PolicyReplayRow(*row) for row in rows]


async def count_changes(session: AsyncSession, *, since: datetime, until: datetime) -> int:
    found = await session.scalar(
        text("SELECT count(*) FROM change WHERE tenant_id = :t AND id >= :since AND id < :until"),
        {"t": scope_of(session).tenant_id, "since": id_floor(since), "until": id_floor(until)},
    )
    return int(found or 0)


async def next_changes(session: AsyncSession, replay: PolicyReplayRow, *, limit: int) -> list[RecordedChange]:
    """The changes behind `after_id`."""
    rows = await session.execute(
        text(f"""
            SELECT {_CHANGE_COLUMNS} FROM change c
             WHERE c.tenant_id = :t AND c.id > :after AND c.id >= :since AND c.id < :until ORDER BY c.id LIMIT :limit
        """),
        {
            "t": scope_of(session).tenant_id, "since": id_floor(replay.since), "until": id_floor(replay.until),
            "after": replay.after_id or UUID(int=0), "limit": limit,
        },
    )  # fmt: skip
    return [_READ_CHANGE(row) for row in rows]


async def move_replay(  # noqa: PLR0913 - keyword-only columns
    session: AsyncSession,
    replay: PolicyReplayRow,
    *,
    after_id: UUID | None,
    replayed: int = 0,
    differing: int = 0,
    counts: Mapping[str, int],
    money: Mapping[str, Any],
    state: ReplayState,
    ended_at: datetime | None,
) -> None:
    await session.execute(
        _MOVE,
        {
            "t": scope_of(session).tenant_id, "r": replay.id, "after_id": after_id, "replayed": replayed,
            "differing": differing, "counts": dict(counts), "money": dict(money), "state": state.value,
            "ended_at": ended_at,
        },
    )  # fmt: skip


_INSERT_DIFFERENCES: Final = text("""
    INSERT INTO policy_replay_difference (tenant_id, msp_id, replay_id, change_id, record_key, element, dimension,
        record_type, old_value, new_value, proposed_at, before, after, rule_id, reason)
    SELECT :t, :m, :r, n.* FROM unnest(
           CAST(:ids AS uuid[]), CAST(:record_keys AS varchar[]), CAST(:elements AS varchar[]),
           CAST(:dimensions AS varchar[]), CAST(:record_types AS varchar[]), CAST(:old_values AS jsonb[]),
           CAST(:new_values AS jsonb[]), CAST(:proposed AS timestamptz[]), CAST(:befores AS varchar[]),
           CAST(:afters AS varchar[]), CAST(:rule_ids AS varchar[]), CAST(:reasons AS jsonb[])) n
""")


async def insert_differences(session: AsyncSession, replay_id: UUID, found: Sequence[Difference]) -> None:
    if not found:
        return
    scope, changes = scope_of(session), [one.change for one in found]
    await session.execute(
        _INSERT_DIFFERENCES,
        {
            "t": scope.tenant_id, "m": scope.msp_id, "r": replay_id,
            "ids": [one.id for one in changes],
            "record_keys": [one.record_key for one in changes],
            "elements": [one.element for one in changes],
            "dimensions": [one.dimension for one in changes],
            "record_types": [one.record_type for one in changes],
            "old_values": [None if one.old_value is None else value_json(one.old_value) for one in changes],
            "new_values": [value_json(one.new_value) for one in changes],
            "proposed": [one.proposed_at for one in changes],
            "befores": [one.before for one in found],
            "afters": [one.after for one in found],
            "rule_ids": [one.rule_id for one in found],
            "reasons": [encode_message(one.reason) for one in found],
        },
    )  # fmt: skip
