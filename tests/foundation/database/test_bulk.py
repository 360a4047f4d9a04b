"""Row sets of bulk writes: PostgreSQL's interpretation of each type of attribute."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from canonical.values import MoneyValue, Value, to_value
from foundation.database.bulk import BulkWrite, row_set
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope

_COLUMNS = {
    "id": "uuid", "number": "bigint", "word": "varchar", "value": "jsonb", "ids": "uuid[]", "words": "varchar[]",
    "at": "timestamptz", "took": "interval", "part": "real", "yes": "boolean", "bytes": "bytea",
}  # fmt: skip


class _Row(msgspec.Struct):
    """Attributes in another order than the columns, and one without a column."""

    other: str = "not sent"
    word: str | None = None
    id: UUID | None = None
    number: int | None = None
    value: Value | None = None
    ids: list[UUID] | None = None
    words: list[str] | None = None
    at: datetime | None = None
    took: timedelta | None = None
    part: float | None = None
    yes: bool | None = None
    bytes: str | None = None


async def _as_read(db: Database, scope: Scope, rows: list[_Row]) -> list[dict[str, Any]]:
    read = BulkWrite(_COLUMNS, f"SELECT {', '.join(f'r.{name}' for name in _COLUMNS)} FROM {{rows}} ORDER BY r.place_")
    async with db.transaction(scope) as session:
        return [row._asdict() for row in await read.execute(session, rows)]


async def test_values_of_every_kind_arrive_as_they_are(db: Database, scope: Scope) -> None:
    price = MoneyValue("12.50", "EUR")
    at = datetime(2026, 11, 29, 21, 5, 7, 123456, tzinfo=UTC)
    one, other = new_id(), new_id()
    row = _Row(
        id=one, number=2**63 - 1, word="a", value=price, ids=[one, other], words=["null", "{}", '"', "\\"],
        at=at, took=timedelta(days=1, microseconds=5), part=0.5, yes=False, bytes="\\x00ff",
    )  # fmt: skip
    (read,) = await _as_read(db, scope, [row])
    assert to_value(read.pop("value")) == price
    assert bytes(read.pop("bytes")) == b"\x00\xff"
    assert read == {
        "id": one, "number": 2**63 - 1, "word": "a", "ids": [one, other], "words": ["null", "{}", '"', "\\"], "at": at,
        "took": timedelta(days=1, microseconds=5), "part": 0.5, "yes": False,
    }  # fmt: skip


async def test_what_is_absent_is_null_also_as_a_document_and_an_empty_array_is_none(db: Database, scope: Scope) -> None:
    absent, empty = await _as_read(db, scope, [_Row(), _Row(ids=[], words=[])])
    assert set(absent.values()) == {None}
    assert (empty["ids"], empty["words"]) == ([], [])


async def test_rows_keep_their_order_and_their_texts(db: Database, scope: Scope) -> None:
    texts = ["", "null", "[]", "a\nb\tc", '"quoted"', "back\\slash", "\\u0041", "€ 😀", "'; --", "a,b}", "%s :t {rows}"]
    read = await _as_read(db, scope, [_Row(word=each) for each in texts])
    assert [row["word"] for row in read] == texts


async def test_a_row_without_an_attribute_and_a_text_that_cannot_be_stored_are_refused(
    db: Database, scope: Scope
) -> None:
    with pytest.raises(AttributeError):
        await _as_read(db, scope, [object()])  # type: ignore[list-item]
    with pytest.raises(DBAPIError):
        await _as_read(db, scope, [_Row(word="a\x00b")])


async def test_each_value_is_converted_once_however_often_it_is_named(db: Database, scope: Scope) -> None:
    async with db.transaction(scope) as session:
        rows = row_set("r", "rows", _COLUMNS)
        plan = await session.execute(
            text(f"EXPLAIN (VERBOSE) SELECT r.id, r.id, r.number FROM {rows} WHERE r.id IS NOT NULL"), {"rows": "[]"}
        )
        assert "\n".join(plan.scalars()).count("->> 0") == 1
