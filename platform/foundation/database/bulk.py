"""Set-based writes: many rows in one statement, under the session's tenant."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of


class BulkWrite:
    """A statement over rows that have the fields named in `columns` (name → PostgreSQL type).

    `statement` uses {rows} for the set, aliased `r`, and binds :tenant_id and :msp_id. Rows are msgspec structs: they
    are sent as one JSON document, which costs the client 1 µs a row of 22 fields, where arrays cost 17, and the server
    no more. A bytea field is hexadecimal text after a backslash and x.
    """

    def __init__(self, columns: Mapping[str, str], statement: str) -> None:
        definition = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        names = ", ".join(columns)
        rows = (
            f"ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS ({definition}))"
            f" WITH ORDINALITY AS r ({names}, place_)"
        )
        self._statement: TextClause = text(statement.replace("{rows}", rows))

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
        """Execute for `rows` and return the statement's result rows; an empty sequence for no rows."""
        if not rows:
            return ()
        scope = scope_of(session)
        document = msgspec.json.encode(rows).decode()
        result = await session.execute(
            self._statement, {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "rows": document, **binds}
        )
        return result.all() if isinstance(result, CursorResult) and result.returns_rows else ()
