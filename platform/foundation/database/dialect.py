"""PostgreSQL's dialect of SQLAlchemy, with one cache of compiled statements for all pools of a process.

SQLAlchemy looks a compiled statement up by the pool's dialect, so that each new pool compiles every statement again: a
millisecond for each.
"""

from typing import Any, Final, Self

from sqlalchemy import Connection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialectAsync_psycopg
from sqlalchemy.engine import URL
from sqlalchemy.util import LRUCache

ADDRESS: Final = "fairlead://"
"""Address of an engine with this dialect."""
MOST_STATEMENTS: Final = 2_000
"""Size of the process's cache of compiled statements; its routes and jobs have about a thousand."""
STATEMENTS: Final[LRUCache[Any, Any]] = LRUCache(MOST_STATEMENTS)

_SERVER: Final[dict[str, Any]] = {}
"""Attributes that a dialect reads from the server at the first connection."""


class SharedDialect(PGDialectAsync_psycopg):
    """A dialect that equals every other of its class: all of them are for servers of one version."""

    supports_statement_cache = True

    @classmethod
    def get_async_dialect_cls(cls, url: URL) -> type[Self]:  # noqa: ARG003 - as in the base class
        return cls

    def initialize(self, connection: Connection) -> None:
        """Read the server's version and defaults once per process, not once per pool."""
        if not _SERVER:
            before = dict(vars(self))
            super().initialize(connection)  # type: ignore[no-untyped-call]
            _SERVER.update({name: value for name, value in vars(self).items() if before.get(name, _SERVER) != value})
        vars(self).update(_SERVER)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SharedDialect)

    def __hash__(self) -> int:
        return hash(SharedDialect)


registry.register("fairlead", __name__, "SharedDialect")
