"""Lists without progress are detected, and lists with progress are not."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.paging import MOST_EMPTY, MOST_PAGES, ListPage, ListProgress, Step, check_page

Answer = Callable[[str, int], ListPage]


def read(answer: Answer, *, most: int = 500) -> tuple[int, Step]:
    """Number of pages that were read until the end or the first trouble."""
    step = Step("", ListProgress())
    for n in range(most):
        page = answer(step.cursor, n)
        step = check_page(step.progress, page)
        if step.trouble or not page.more:
            return n + 1, step
    return most, step


def page(asked: str, cursor: str, *items: str, more: bool = True, total: int | None = None) -> ListPage:
    return ListPage(asked, cursor, more, items, total=total)


@pytest.mark.parametrize(
    ("answer", "pages"),
    [
        (lambda asked, n: page(asked, "x"), 2),
        (lambda asked, n: page(asked, "x", f"item {n}"), 2),
        (lambda asked, n: page(asked, "", f"item {n}"), 1),
        (lambda asked, n: page(asked, "AB"[n % 2], f"item {n}"), 4),
        (lambda asked, n: page(asked, "ABCDEFG"[n % 7], f"item {n}"), 23),
        (lambda asked, n: page(asked, str(n)), MOST_EMPTY + 1),
        (lambda asked, n: page(asked, str(n), "one", "two"), 2),
        (lambda asked, n: page(asked, str(n), f"item {n % 5}"), 21),
        (lambda asked, n: page(asked, "a\x00b"), 1),
        (lambda asked, n: page(asked, "c" * 100_000), 1),
        (lambda asked, n: page(asked, str(n), *(f"{n}/{i}" for i in range(100)), total=200 + 100 * n), 15),
    ],
    ids=[
        "same position", "same position with records", "the beginning", "two by turns", "seven by turns",
        "empty pages", "same page", "five pages by turns", "not storable", "overlong", "a total that grows",
    ],
)  # fmt: skip
def test_a_list_without_an_end_is_found(answer: Answer, pages: int) -> None:
    found, step = read(answer)
    assert step.trouble
    assert found <= pages


def test_trouble_recurs_on_retry_and_ends_when_the_list_progresses() -> None:
    _, step = read(lambda asked, n: page(asked, "x"))
    assert check_page(step.progress, page(step.cursor, "x")).trouble
    assert not check_page(step.progress, page(step.cursor, "y", "a record")).trouble
    _, step = read(lambda asked, n: page(asked, str(n)))
    assert check_page(step.progress, page(step.cursor, "next")).trouble, "and it goes on from the next position"
    assert not check_page(step.progress, page(step.cursor, "next", "a record")).trouble


def test_a_list_of_ever_new_pages_is_ended() -> None:
    found, step = read(lambda asked, n: page(asked, str(n), f"item {n}"), most=MOST_PAGES + 10)
    assert found == MOST_PAGES + 1
    assert step.trouble


def test_pages_of_one_key_are_distinguished_by_their_identity() -> None:
    found, step = read(lambda asked, n: ListPage(asked, str(n), n < 30, ["N/A"], identity=f"{n}"))
    assert (found, step.trouble) == (31, None)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=200))
def test_a_list_that_ends_is_never_reported_as_endless(sizes: list[int]) -> None:
    """Lists with any content on their pages, without too many empty pages in a row."""
    numbers = count()
    kept = [size for n, size in enumerate(sizes) if size or sizes[max(n - 1, 0)]]

    def answer(asked: str, n: int) -> ListPage:
        return page(asked, f"c{n}", *(f"i{next(numbers)}" for _ in range(kept[n])), more=n < len(kept) - 1)

    if kept:
        found, step = read(answer)
        assert (found, step.trouble, step.progress) == (len(kept), None, ListProgress())


@given(st.integers(0, 40), st.integers(1, 40))
def test_every_cycle_is_found_soon(before: int, length: int) -> None:
    def answer(asked: str, n: int) -> ListPage:
        return page(asked, f"c{n if n < before else before + (n - before) % length}", f"item {n}")

    found, step = read(answer)
    assert step.trouble
    assert found <= 4 * (before + length) + 4
