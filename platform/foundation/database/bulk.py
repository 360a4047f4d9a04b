"""Set-based writes: many rows in one statement by unnest, under the session's tenant."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of


class BulkWrite:
    """A statement over rows with the attributes named in `columns` (name → PostgreSQL type).

    `statement` uses {rows} for the unnested set, aliased `r`, and binds :tenant_id and :msp_id.
    """

    def __init__(self, columns: Mapping[str, str], statement: str) -> None:
        arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
        names = ", ".join(columns)
        self._names = tuple(columns)
        self._get = attrgetter(*columns) if len(columns) > 1 else None
        self._statement: TextClause = text(
            statement.replace("{rows}", f"unnest({arrays}) WITH ORDINALITY AS r ({names}, place_)")
        )

    @classmethod
    def insert(cls, table: str, columns: Mapping[str, str], *, conflict: str = "") -> "BulkWrite":
        names = ", ".join(columns)
        values = ", ".join(f"r.{name}" for name in columns)
        return cls(
            columns,
            f"INSERT INTO {table} (tenant_id, msp_id, {names}) SELECT :tenant_id, :msp_id, {values}"
            f" FROM {{rows}} ORDER BY r.place_ {conflict}",
        )

    async def execute(self, session: AsyncSession, rows: Sequence[Any], **binds: object) -> Sequence[Any]:
        """Returns what the statement returns; an empty sequence for no rows."""
        if not rows:
            return ()
        scope = scope_of(session)
        if self._get is None:
            arrays = {self._names[0]: [getattr(row, self._names[0]) for row in rows]}
        else:
            columns = zip(*map(self._get, rows), strict=True)
            arrays = {name: list(column) for name, column in zip(self._names, columns, strict=True)}
        result = await session.execute(
            self._statement, {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, **arrays, **binds}
        )
        return result.all() if isinstance(result, CursorResult) and result.returns_rows else ()
