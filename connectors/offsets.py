"""Pagination by offset: records removed or added during the reading shift the rest.

Each page overlaps the previous one by a few records. When none of them is at its expected position, the list has
shifted further, and reading steps back, in the worst case to the start. A record may be returned twice; none is
skipped.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from foundation.decoding import decode_json

TAIL: Final = 20
"""Records by which pages overlap: the number that may be removed before the position without a step back."""
_MOST_STEPS: Final = 3


class OffsetPage(msgspec.Struct, frozen=True):
    """Page of a list from an offset on. `ids` are in the list's order; `more`: further records follow."""

    ids: Sequence[str]
    more: bool


class Stretch(msgspec.Struct, frozen=True):
    """New part of a page. `first` is the index in `page` of the first new record. `cursor` continues after the page."""

    page: OffsetPage
    first: int
    cursor: str


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """Decoded cursor: `start` records were read, `tail` are the last of them."""

    start: int = 0
    tail: list[str] = []


async def read_by_offset(cursor: str, fetch: Callable[[int], Awaitable[OffsetPage]]) -> Stretch:
    """The next records of a list, read with `fetch(position)`. Raises the errors of `fetch`."""
    place = _decode(cursor)
    skip = max(place.start - len(place.tail), 0)
    page = await fetch(skip)
    steps = 0
    while (first := _after(page.ids, place.tail)) is None and skip:
        steps += 1
        skip = max(skip - max(len(page.ids), TAIL), 0) if steps < _MOST_STEPS else 0
        page = await fetch(skip)
    overlap = min(TAIL, len(page.ids) // 2)  # the next page must be longer than its overlap
    following = _Place(skip + len(page.ids), list(page.ids[len(page.ids) - overlap :]))
    return Stretch(page, first or 0, msgspec.json.encode(following).decode())


def _after(ids: Sequence[str], tail: Sequence[str]) -> int | None:
    """Index after the last record read; None when none of the tail is present.

    Records that share an id, such as those without one, do not identify the position once the list has shifted.
    """
    if list(ids[: len(tail)]) == list(tail):
        return len(tail)
    times = Counter(ids)
    known = {id_ for id_ in tail if times[id_] == 1}
    return next((n + 1 for n in range(len(ids) - 1, -1, -1) if ids[n] in known), None)


def _decode(cursor: str) -> _Place:
    """Decode a cursor. One of an older format, from before an update, restarts the list."""
    try:
        return decode_json(cursor, _Place) if cursor else _Place()
    except msgspec.DecodeError:
        return _Place()
