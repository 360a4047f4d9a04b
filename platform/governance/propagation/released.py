"""Values last released to each channel: the earlier values for decisions of single channels."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import ElementKey
from canonical.values import Value, read_value
from foundation.database.engine import scope_of
from governance.records.keys import KEY_SET, key_binds, key_columns, key_of, same_key, sorted_keys

_RELEASED: Final = text(f"""
    SELECT {key_columns("k")}, n.id AS connection_id, coalesce(p.value, v.value) AS value
      FROM {KEY_SET}
     CROSS JOIN unnest(CAST(:connections AS uuid[])) AS n (id)
      LEFT JOIN LATERAL (SELECT p.value FROM propagation p
                          WHERE p.tenant_id = :t AND p.connection_id = n.id AND {same_key("p", "k")}
                          ORDER BY p.version DESC LIMIT 1) p ON true
      LEFT JOIN LATERAL (SELECT v.value FROM channel_value v
                          WHERE v.tenant_id = :t AND v.connection_id = n.id AND {same_key("v", "k")} OFFSET 0) v ON true
     WHERE coalesce(p.value, v.value) IS NOT NULL
""")


async def load_released(
    session: AsyncSession, keys: Sequence[ElementKey], connections: Sequence[UUID]
) -> dict[tuple[UUID, ElementKey], Value]:
    """The newest value sent to each of `connections`, or read there where none was sent."""
    if not keys or not connections:
        return {}
    binds = {"t": scope_of(session).tenant_id, "connections": list(connections), **key_binds(sorted_keys(keys))}
    rows = await session.execute(_RELEASED, binds)
    return {(row.connection_id, key_of(row)): read_value(row.value) for row in rows}
