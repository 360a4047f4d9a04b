"""Values at the start of a month, for rules about the change within the month."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.values import Value, read_value
from foundation.database.engine import scope_of
from governance.records.account_time import load_zone, month_start
from governance.records.keys import KEY_SET, key_binds, key_columns, key_of, same_key, sorted_keys
from policy.facts import MONTH_FACT
from policy.index import PolicyIndex

_HIGHEST_ID: Final = UUID(int=2**128 - 1)


def names_month(index: PolicyIndex, element: str) -> bool:
    """Whether a rule of the element compares with the start of the month."""
    return MONTH_FACT in index.facts.get(element, ())


async def load_month_values(
    session: AsyncSession, index: PolicyIndex, keys: Iterable[ElementKey], now: datetime
) -> Mapping[ElementKey, Value]:
    """Load the values approved at the start of this month, for the keys whose rules name it; for a key without a value
    then, its first one. A start value that is not stored, because the value was last approved in this month by an
    earlier version of the product, is derived from the recorded changes.
    """
    wanted = [key for key in keys if names_month(index, key.element)]
    if not wanted:
        return {}
    start = month_start(now, await load_zone(session))
    binds = {"t": scope_of(session).tenant_id, "start": start, "below": _HIGHEST_ID, **key_binds(sorted_keys(wanted))}
    rows = await session.execute(_OF_KEYS, binds)
    return {key_of(row): read_value(row.value) for row in rows if row.value is not None}


async def load_recorded_month_values(
    session: AsyncSession, changes: Sequence[UUID], zone: tzinfo
) -> Mapping[UUID, Value]:
    """As `load_month_values`, for the time at which each of these changes was proposed. A value approved without a
    change is known only if it was last approved in that month, or before it.
    """
    rows = await session.execute(
        _OF_CHANGES, {"t": scope_of(session).tenant_id, "ids": list(changes), "zone": str(zone)}
    )
    return {row.id: read_value(row.value) for row in rows if row.value is not None}


def _at_start(key: str, start: str, below: str) -> str:
    """SQL of the value at `start`: that of the last change before it, else of the first one with an id under `below`.

    A rollback on one channel does not change the approved value.
    """
    approved = f"""m.tenant_id = :t AND {same_key("m", key)} AND m.version IS NOT NULL AND m.id < {below}
                   AND NOT (m.origin = 'rollback' AND m.targets IS NOT NULL)"""
    return f"""coalesce(
        (SELECT m.new_value FROM change m WHERE {approved} AND coalesce(m.decided_at, m.proposed_at) < {start}
          ORDER BY m.version DESC LIMIT 1),
        (SELECT coalesce(m.old_value, m.new_value) FROM change m WHERE {approved} ORDER BY m.version LIMIT 1))"""


_OF_KEYS: Final = text(f"""
    SELECT {key_columns("k")}, CASE WHEN v.adopted_at < :start THEN v.value ELSE coalesce(v.month_value,
           {_at_start("k", "CAST(:start AS timestamptz)", "CAST(:below AS uuid)")}) END AS value
      FROM {KEY_SET} JOIN record_value v ON v.tenant_id = :t AND {same_key("v", "k")}
""")
_OF_CHANGES: Final = text(f"""
    SELECT k.id, CASE WHEN v.adopted_at < k.start THEN v.value ELSE coalesce(
           CASE WHEN k.old_value IS NOT NULL AND date_trunc('month', v.adopted_at, :zone) = k.start
                THEN v.month_value END,
           {_at_start("k", "k.start", "k.id")}) END AS value
      FROM (SELECT *, date_trunc('month', proposed_at, :zone) AS start FROM change
             WHERE tenant_id = :t AND id = ANY(CAST(:ids AS uuid[]))) k
      LEFT JOIN record_value v ON v.tenant_id = k.tenant_id AND {same_key("v", "k")}
""")
