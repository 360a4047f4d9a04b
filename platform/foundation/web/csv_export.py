"""CSV export of a list (RFC 4180, UTF-8), streamed page by page.

Each page is read in a short transaction of its own, so that memory is bounded and a slow client holds neither a
transaction nor a connection of the pool. A failure ends the connection before the end of the body, so that no client
takes half a file for the complete one.
"""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar.response import Stream

from foundation.redaction import redact
from foundation.web.negotiation import qualities
from foundation.web.pagination import ResultPage

CSV_TYPE: Final = "text/csv"
BATCH: Final = 500
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters with which spreadsheets take a text for a formula or split the cell (OWASP, CSV injection)."""


class CsvColumn(msgspec.Struct, frozen=True):
    """A column: its name, and the cell of an item."""

    name: str
    read: Callable[[Any], object]


def as_column(column: CsvColumn | str) -> CsvColumn:
    """The column of a path such as `change.record_key`; its name has underscores instead of dots."""
    return (
        column
        if isinstance(column, CsvColumn)
        else CsvColumn(column.replace(".", "_"), lambda item: _follow(item, column))
    )


def _follow(item: Any, path: str) -> object:
    for name in path.split("."):
        if item is None:
            return None
        item = getattr(item, name)
    return item


def write_cell(value: object) -> str:
    """A cell as text: times in ISO 8601 UTC, as in the API, and nothing that a spreadsheet would run."""
    plain = msgspec.to_builtins(value.astimezone(UTC) if isinstance(value, datetime) else value)
    if isinstance(plain, dict | list | tuple):
        plain = msgspec.json.encode(plain).decode()
    if isinstance(plain, str):  # a decimal number is text here, too, and may have a minus
        return f"'{plain}" if is_like_formula(plain) and not isinstance(value, Decimal) else plain
    return {None: "", True: "true", False: "false"}.get(plain, str(plain)) if not _is_number(plain) else str(plain)


def is_like_formula(text: str) -> bool:
    """Whether a spreadsheet that reads the text as typed takes it for a formula, or splits its cell."""
    return text.startswith(_FORMULA)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def write_lines(rows: Iterable[Sequence[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows([write_cell(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode("utf-8", "replace")


def wants_csv(accept: str) -> bool:
    """Whether `Accept` names CSV, and no other type with a higher quality."""
    wanted = qualities(accept)
    quality = wanted.get(CSV_TYPE, 0.0)
    return quality > 0 and quality >= max(wanted.get("application/json", 0.0), wanted.get("text/html", 0.0))


ReadMore = Callable[[str], Awaitable[ResultPage[Any]]]


def stream_csv(first: ResultPage[Any], more: ReadMore, columns: Sequence[CsvColumn | str], *, name: str) -> Stream:
    """The streamed response. `first` was read in the request's transaction; `more` reads the page at a cursor in
    another.
    """
    wanted = [as_column(column) for column in columns]

    async def lines() -> AsyncIterator[bytes]:
        yield write_lines([[column.name for column in wanted]])
        page = first
        while True:
            if page.items:
                yield write_lines([[column.read(item) for column in wanted] for item in map(redact, page.items)])
            if page.next_cursor is None:
                return
            page = await more(page.next_cursor)

    headers = {
        "content-type": f"{CSV_TYPE}; charset=utf-8",  # a route's media type would precede the response's
        "content-disposition": content_disposition(name),
        "cache-control": "no-store",
    }
    return Stream(lines, headers=headers)


def content_disposition(name: str) -> str:
    """A file name (RFC 6266), in ASCII and in full."""
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in "-_. ") else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
