"""Pages by cursor: each row once while others are inserted, in every order, in both directions; bad cursors refused."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database
from foundation.errors import MalformedInput
from foundation.scope import Scope
from foundation.web.pagination import ListCursor, ListQuery, ListSource, ResultPage, Sort, SortKey, read_page

Entry = tuple[int, str, UUID]
KEYS = [("r.number", "bigint"), ("r.word", "varchar"), ("r.id", "uuid")]
NUMBERS = st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1) | st.integers(min_value=0, max_value=2)
WORDS = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=3
) | st.sampled_from(["a", "b"])
ENTRIES = st.lists(st.tuples(NUMBERS, WORDS, st.uuids()), max_size=20, unique_by=lambda entry: entry[2])
DIRECTIONS = st.tuples(st.booleans(), st.booleans(), st.booleans())
SORT = Sort(name="number", label="By number", keys=[SortKey("r.number", "bigint"), SortKey("r.id", "uuid")])


def order_of(falls: Sequence[bool]) -> Sort:
    keys = [SortKey(sql, kind, fall) for (sql, kind), fall in zip(KEYS, falls, strict=True)]  # type: ignore[arg-type]
    return Sort(name="order", label="Order", keys=keys)


async def page_of(session: AsyncSession, entries: Sequence[Entry], query: ListQuery) -> ResultPage[Entry]:
    source = ListSource(
        columns="r.number, r.word, r.id",
        tables="unnest(CAST(:numbers AS bigint[]), CAST(:words AS varchar[]), CAST(:ids AS uuid[]))"
        " AS r (number, word, id)",
        where="true",
        binds={
            "numbers": [entry[0] for entry in entries],
            "words": [entry[1] for entry in entries],
            "ids": [entry[2] for entry in entries],
        },
    )
    return (await read_page(session, source, query)).map(lambda row: (row.number, row.word, row.id))


async def walk(
    session: AsyncSession, held: Sequence[Entry], added: Sequence[Entry], query: ListQuery
) -> tuple[list[Entry], list[Entry]]:
    """Read all pages to the last and back, while a row is added before each page."""
    entries, later = list(held), list(added)
    seen: list[Entry] = []
    page = await page_of(session, entries, query)
    while True:
        seen += page.items
        if later:
            entries.append(later.pop())
        if page.next_cursor is None:
            break
        page = await page_of(session, entries, query.after(page.next_cursor, limit=query.limit))
    back = list(page.items)
    while page.prev_cursor is not None:
        page = await page_of(session, entries, query.after(page.prev_cursor, limit=query.limit))
        back = [*page.items, *back]
    return seen, back


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=ENTRIES, added=ENTRIES, falls=DIRECTIONS, limit=st.integers(min_value=1, max_value=7))
async def test_paging_returns_each_row_once_during_inserts(  # noqa: PLR0917 - by name
    db: Database, scope: Scope, held: list[Entry], added: list[Entry], falls: tuple[bool, ...], limit: int
) -> None:
    known = {entry[2] for entry in held}
    added = [entry for entry in added if entry[2] not in known]
    query = ListQuery(list="test", sort=order_of(falls), limit=limit)
    async with db.transaction(scope) as session:
        seen, back = await walk(session, held, added, query)
        whole = await page_of(session, [*held, *added], ListQuery(list="test", sort=query.sort, limit=100))
    assert len(seen) == len(set(seen))
    assert set(held) <= set(seen) <= {*held, *added}
    assert [entry for entry in whole.items if entry in set(seen)] == seen, "in the list's order"
    assert len(back) == len(set(back))
    assert [entry for entry in whole.items if entry in set(back)] == back
    if held:
        assert set(held) <= set(back)


async def test_the_first_page_links_forward_only_and_the_last_back_only(db: Database, scope: Scope) -> None:
    entries = [(number, "", UUID(int=number)) for number in range(5)]
    query = ListQuery(list="test", sort=SORT, limit=2)
    async with db.transaction(scope) as session:
        first = await page_of(session, entries, query)
        assert first.next_cursor is not None
        second = await page_of(session, entries, query.after(first.next_cursor, limit=2))
        assert second.next_cursor is not None
        third = await page_of(session, entries, query.after(second.next_cursor, limit=2))
        assert second.prev_cursor is not None
        again = await page_of(session, entries, query.after(second.prev_cursor, limit=2))
        exact = await page_of(session, entries[:2], query)
    assert [len(page.items) for page in (first, second, third)] == [2, 2, 1]
    assert first.prev_cursor is None
    assert third.next_cursor is None
    assert (again.items, again.prev_cursor) == (first.items, None)
    assert exact.next_cursor is None


@settings(max_examples=300)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_any_other_text_is_refused_as_a_cursor(token: str) -> None:
    with pytest.raises(MalformedInput) as refused:
        ListCursor.decode(token, of="test", sort=SORT)
    assert refused.value.status == 400
    assert refused.value.extra == {"field": "cursor"}


TYPES = {"uuid": UUID, "timestamptz": datetime, "date": date, "bigint": int, "numeric": Decimal, "varchar": str,
         "boolean": bool}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=300)
@given(values=st.lists(JSON, max_size=4), kinds=st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=4))
def test_a_cursor_with_other_values_is_refused_or_holds_values_of_its_types(
    values: list[Any], kinds: list[Any]
) -> None:
    sort = Sort(name="s", label="", keys=[SortKey("x", kind) for kind in kinds])
    token = ListCursor("test", "s", False, tuple(values)).encode()
    try:
        found = ListCursor.decode(token, of="test", sort=sort)
    except MalformedInput:
        return
    assert [type(value) for value in found.values] == [TYPES[kind] for kind in kinds]


def test_a_cursor_belongs_to_one_list_and_one_order() -> None:
    values = (1, UUID(int=1))
    token = ListCursor("test", SORT.name, False, values).encode()
    assert ListCursor.decode(token, of="test", sort=SORT).values == values
    for of, sort in (("other", SORT), ("test", SORT.reversed())):
        with pytest.raises(MalformedInput):
            ListCursor.decode(token, of=of, sort=sort)


def test_a_cursor_preserves_a_day() -> None:
    sort = Sort(name="due", label="", keys=[SortKey("r.due_on", "date")])
    token = ListCursor("test", "due", False, (date(2028, 2, 29),)).encode()
    assert ListCursor.decode(token, of="test", sort=sort).values == (date(2028, 2, 29),)


@given(st.decimals(min_value=Decimal(f"-1e{38}"), max_value=Decimal(f"1e{38}"), places=12))
def test_a_cursor_preserves_an_exact_number(number: Decimal) -> None:
    sort = Sort(name="size", label="", keys=[SortKey("r.size", "numeric")])
    query = ListQuery(list="t", sort=sort)
    rows: list[Any] = [SimpleNamespace(page_key_0=number), SimpleNamespace(page_key_0=Decimal(0))]
    token = query.with_limit(1).cut(rows).next_cursor
    assert token is not None
    assert ListCursor.decode(token, of="t", sort=sort).values == (number,)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e9", "1E+400000", "", "-", ".5", "1" * 61, "\u0661"])
def test_another_text_is_no_exact_number(number: str) -> None:
    sort = Sort(name="size", label="", keys=[SortKey("r.size", "numeric")])
    with pytest.raises(MalformedInput):
        ListCursor.decode(ListCursor("t", "size", False, (number,)).encode(), of="t", sort=sort)


def test_a_cursor_preserves_microseconds() -> None:
    sort = Sort(name="at", label="", keys=[SortKey("r.at", "timestamptz")])
    moment = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert ListCursor.decode(ListCursor("t", "at", False, (moment,)).encode(), of="t", sort=sort).values == (moment,)
    with pytest.raises(MalformedInput):
        ListCursor.decode(ListCursor("t", "at", False, ("2026-03-01T12:00:00",)).encode(), of="t", sort=sort)
