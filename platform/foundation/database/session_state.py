"""Detection of statements that change the session beyond their transaction. Their pooled connection is not used again.

A setting, a role, a temporary table, a subscription or a session's lock would leak to the next borrower, who may work
for another tenant. No code of the product needs one; closing the connection is the only complete reset, and free while
no such statement is sent. Effects of database functions are not detected here; their definitions are responsible.
"""

import re
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, Final, Self

import psycopg
from psycopg.sql import Composable

_KEEPS_STATE: Final = re.compile(
    r"""
    (?:\A|;)(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*+     # the start of a statement
    (?:
        SET\b(?!\s+(?:LOCAL|TRANSACTION|CONSTRAINTS)\b)
      | (?:RESET|LISTEN|UNLISTEN|LOAD|DISCARD|DO|PREPARE|DEALLOCATE)\b
      | DECLARE\b.*\bWITH\s+HOLD\b
    )
    | \b(?:CREATE|INTO)\s+(?:OR\s+REPLACE\s+)?(?:(?:GLOBAL|LOCAL)\s+)?TEMP(?:ORARY)?\b
    | \bCREATE\b[^;]*\bpg_temp\b
    | \bpg_(?:try_)?advisory_(?:lock|unlock)
    | \bset_config\s*\((?!(?:[^()%]|%\(\w+\)s|%)*,\s*true\s*\))
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


@lru_cache(4096)
def keeps_state(statement: str) -> bool:
    """Whether a statement may have effects that outlive its transaction; True in doubt."""
    return _KEEPS_STATE.search(statement) is not None


def _text(query: bytes | Composable) -> str:
    return query.decode("utf-8", "replace") if isinstance(query, bytes) else query.as_string(None)


class StateTrackingCursor(psycopg.AsyncCursor[Any]):
    """A cursor that sets `keeps_state` on its connection for statements with lasting effects."""

    def execute(self, query: Any, *args: Any, **options: Any) -> Coroutine[Any, Any, Self]:
        self._note(query)
        return super().execute(query, *args, **options)

    def executemany(self, query: Any, *args: Any, **options: Any) -> Coroutine[Any, Any, None]:
        self._note(query)
        return super().executemany(query, *args, **options)

    def _note(self, query: Any) -> None:
        if keeps_state(query if isinstance(query, str) else _text(query)):
            self.connection.keeps_state = True  # type: ignore[attr-defined]
