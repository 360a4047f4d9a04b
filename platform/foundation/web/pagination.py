"""Pages of lists by keyset: a cursor holds the sort keys of a page's first or last row, so that each row is read
exactly once while others are inserted, and a page far down costs as much as the first.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Generic, Literal, Self, TypeVar, cast
from uuid import UUID

import msgspec
from sqlalchemy import Row, Select, func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.decoding import decode_json
from foundation.errors import MalformedInput
from foundation.marks import N_
from foundation.text import is_storable

T = TypeVar("T")
S = TypeVar("S")
KeyType = Literal["uuid", "timestamptz", "date", "bigint", "numeric", "varchar", "boolean"]
_LARGEST: Final = 2**63 - 1
_LONGEST_CURSOR: Final = 4_000
_NUMBER: Final = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?")
COUNTED_AT_MOST: Final = 1_000
"""Rows that a list counts exactly. Counting stops there, so that its cost is bounded for a list of millions."""
_UNREADABLE: Final = N_("This cursor does not belong to this list. Begin at the first page.")


class SortKey(msgspec.Struct, frozen=True):
    """One sort key. `sql` is an expression without NULLs, for instance a column or its `coalesce`."""

    sql: str
    type: KeyType = "varchar"
    descending: bool = False


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """An order of a list. The last key is unique, so that the order is total. `name` with a minus reverses all keys."""

    name: str
    label: str
    keys: Sequence[SortKey]
    reverse_label: str = ""

    def reversed(self) -> "Sort":
        keys = [SortKey(key.sql, key.type, not key.descending) for key in self.keys]
        return Sort(name=reverse_name(self.name), label=self.reverse_label or self.label, keys=keys)


def reverse_name(name: str) -> str:
    """`-name` for `name`, and `name` for `-name`."""
    return name[1:] if name.startswith("-") else f"-{name}"


class RowCount(msgspec.Struct, frozen=True):
    """Rows of a list that match its filters, on all pages together. `more`: there are more than `number`, at which
    counting stopped.
    """

    number: int
    more: bool = False


class ResultPage(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list. Send `next_cursor` as `cursor` for the next page; it is null on the last one. `prev_cursor`
    leads back in the same way; it is null on the first page. `count` is null unless requested.
    """

    items: Sequence[T]
    next_cursor: str | None = None
    prev_cursor: str | None = None
    count: RowCount | None = None

    def map(self, convert: Callable[[T], S]) -> "ResultPage[S]":
        return self.with_items([convert(item) for item in self.items])

    def with_items(self, items: Sequence[S]) -> "ResultPage[S]":
        return ResultPage(items, self.next_cursor, self.prev_cursor, self.count)


class ListCursor(msgspec.Struct, frozen=True, array_like=True):
    """A place in a list, before or after the row with these sort keys."""

    list: str
    sort: str
    backward: bool
    values: tuple[Any, ...]

    def encode(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def decode(cls, token: str, *, of: str, sort: Sort) -> Self:
        """Parse a cursor of this list and order.

        Raises:
            MalformedInput: any other text.
        """
        try:
            if len(token) > _LONGEST_CURSOR:
                raise ValueError  # noqa: TRY301 - one refusal for every wrong cursor
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            found = decode_json(raw, type=cls)
            if (found.list, found.sort, len(found.values)) != (of, sort.name, len(sort.keys)):
                raise ValueError  # noqa: TRY301
            values = tuple(_checked(value, key.type) for value, key in zip(found.values, sort.keys, strict=True))
        except (ValueError, TypeError, binascii.Error, msgspec.MsgspecError):
            raise MalformedInput(_UNREADABLE, field="cursor") from None
        return msgspec.structs.replace(found, values=values)


def _written(value: object) -> object:
    """A sort key as in a cursor: an exact number has no exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else value


def _checked(value: Any, kind: KeyType) -> object:
    """A cursor's value as its key's type. Raises: ValueError or TypeError."""
    if not isinstance(value, _JSON_TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        raise TypeError
    value = cast("Any", value)
    if not (abs(value) <= _LARGEST if isinstance(value, int) else is_storable(value)):
        raise ValueError
    if kind == "uuid":
        return UUID(value)
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "numeric":
        return _number(value)
    return _moment(value) if kind == "timestamptz" else value


def _number(value: str) -> Decimal:
    if not _NUMBER.fullmatch(value):
        raise ValueError
    return Decimal(value)


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or not 1 < moment.year < 9999:
        raise ValueError
    return moment


_JSON_TYPES: Final[Mapping[str, type]] = {
    "uuid": str, "timestamptz": str, "date": str, "varchar": str, "bigint": int,
    "numeric": str, "boolean": bool,
}  # fmt: skip


class Keyset:
    """SQL of one page: `columns` to select (the sort keys), a condition, an order, and the binds of both."""

    def __init__(self, sort: Sort, cursor: ListCursor | None) -> None:
        backward = cursor is not None and cursor.backward
        self.columns = ", ".join(f"{key.sql} AS page_key_{place}" for place, key in enumerate(sort.keys))
        falls = [key.descending != backward for key in sort.keys]
        self.order = ", ".join(
            f"{key.sql} {'DESC' if fall else 'ASC'}" for key, fall in zip(sort.keys, falls, strict=True)
        )
        self.binds: dict[str, object] = {}
        self.condition = "true"
        if cursor is not None:
            self.binds = {f"page_{place}": value for place, value in enumerate(cursor.values)}
            self.condition = _beyond(sort.keys, falls)


def _beyond(keys: Sequence[SortKey], falls: Sequence[bool]) -> str:
    """Condition for the rows after the cursor. A row comparison where all keys run the same way: an index serves it."""
    binds = [f"CAST(:page_{place} AS {key.type})" for place, key in enumerate(keys)]
    if len(set(falls)) == 1:
        return f"({', '.join(key.sql for key in keys)}) {'<' if falls[0] else '>'} ({', '.join(binds)})"
    condition = ""
    for key, fall, bind in reversed(list(zip(keys, falls, binds, strict=True))):
        beyond = f"{key.sql} {'<' if fall else '>'} {bind}"
        condition = f"({beyond} OR ({key.sql} = {bind} AND {condition}))" if condition else beyond
    # The bound of the first key alone lets an index begin at the cursor.
    return f"{keys[0].sql} {'<=' if falls[0] else '>='} {binds[0]} AND {condition}"


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request for one page: values of the filters by name, the order, the place and the length. `parents` are
    the ids in the list's address, such as the baseline of compared values. `counted`: the page includes the number of
    rows in all.
    """

    list: str
    sort: Sort
    values: Mapping[str, str] = {}
    parents: Mapping[str, UUID] = {}
    cursor: ListCursor | None = None
    limit: int = 50
    counted: bool = False

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def keyset(self) -> Keyset:
        return Keyset(self.sort, self.cursor)

    def cut(self, rows: Sequence[Row[Any]]) -> ResultPage[Row[Any]]:
        """The page of `rows`, which were selected with `keyset` and one more than `limit`."""
        backward = self.cursor is not None and self.cursor.backward
        more = len(rows) > self.limit
        shown = list(rows[: self.limit])
        if backward:
            shown.reverse()
        if not shown:
            return ResultPage(shown)
        has_next, has_previous = (True, more) if backward else (more, self.cursor is not None)
        return ResultPage(
            shown,
            self._cursor(shown[-1], backward=False) if has_next else None,
            self._cursor(shown[0], backward=True) if has_previous else None,
        )

    def _cursor(self, row: Row[Any], *, backward: bool) -> str:
        values = tuple(_written(getattr(row, f"page_key_{place}")) for place in range(len(self.sort.keys)))
        return ListCursor(self.list, self.sort.name, backward, values).encode()

    def inside(self, parents: Mapping[str, UUID]) -> "ListQuery":
        return msgspec.structs.replace(self, parents=parents)

    def with_limit(self, limit: int) -> "ListQuery":
        return msgspec.structs.replace(self, limit=limit)

    def with_count(self) -> "ListQuery":
        return msgspec.structs.replace(self, counted=True)

    def for_export(self, limit: int) -> "ListQuery":
        """The query of an export's first batch."""
        return msgspec.structs.replace(self, limit=limit, counted=False)

    def after(self, token: str, *, limit: int) -> "ListQuery":
        """The same list, from one of its cursors on."""
        cursor = ListCursor.decode(token, of=self.list, sort=self.sort)
        return msgspec.structs.replace(self, cursor=cursor, limit=limit)


class ListSource(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of a list, as parts of a SELECT. All parts are constants of the product; values are `binds` only."""

    columns: str
    tables: str
    where: str
    binds: Mapping[str, object]


SourceOf = Callable[[Keyset], ListSource]
"""A source whose tables name the keyset's condition and order, so that an inner SELECT reads a page's rows only."""


async def read_page(session: AsyncSession, source: ListSource | SourceOf, query: ListQuery) -> ResultPage[Row[Any]]:
    """One page of a list's rows, in one statement; a second one counts them, if `counted`."""
    keyset = query.keyset
    one = source if isinstance(source, ListSource) else source(keyset)
    rows = await session.execute(
        text(f"""
            SELECT {one.columns}, {keyset.columns} FROM {one.tables}
             WHERE {one.where} AND {keyset.condition}
             ORDER BY {keyset.order} LIMIT :page_rows
        """),
        {**one.binds, **keyset.binds, "page_rows": query.limit + 1},
    )
    page = query.cut(rows.all())
    if not query.counted:
        return page
    every = source if isinstance(source, ListSource) else source(Keyset(query.sort, None))
    found = await session.scalar(
        text(f"SELECT count(*) FROM (SELECT FROM {every.tables} WHERE {every.where} LIMIT :page_rows) counted"),
        {**every.binds, "page_rows": COUNTED_AT_MOST + 1},
    )
    return msgspec.structs.replace(page, count=_counted(found))


def _counted(found: int | None) -> RowCount:
    number = found or 0
    return RowCount(min(number, COUNTED_AT_MOST), more=number > COUNTED_AT_MOST)


async def select_page(session: AsyncSession, statement: Select[T], query: ListQuery) -> ResultPage[T]:
    """As `read_page`, for a statement that selects one entity."""
    keyset = query.keyset
    keys: list[Any] = [literal_column(key.sql).label(f"page_key_{place}") for place, key in enumerate(query.sort.keys)]
    ordered = statement.add_columns(*keys).where(text(keyset.condition)).order_by(text(keyset.order))
    rows = await session.execute(ordered.limit(query.limit + 1), keyset.binds)
    page = query.cut(rows.all()).map(lambda row: row[0])
    if not query.counted:
        return page
    every = statement.with_only_columns(literal_column("1")).limit(COUNTED_AT_MOST + 1).subquery()
    found = await session.scalar(select(func.count()).select_from(every))
    return msgspec.structs.replace(page, count=_counted(found))
