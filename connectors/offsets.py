"""Lists that can only be read by position: records that are removed or added meanwhile move the rest.

Each page overlaps the one before by a few records. When none of them is found where they should be, the list has
moved further, and reading steps back; at worst it begins again. A record may come twice, and none is left out.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from foundation.decoding import decode_json

TAIL: Final = 20
"""Records by which pages overlap: so many may be removed before the position without a step back."""
_MOST_STEPS: Final = 3


class OffsetPage(msgspec.Struct, frozen=True):
    """What a list holds from a position on. `ids` are in its order; `more`: it holds records beyond them."""

    ids: Sequence[str]
    more: bool


class Stretch(msgspec.Struct, frozen=True):
    """`first`: the place in `page` from which on its records are new. `cursor` continues behind it."""

    page: OffsetPage
    first: int
    cursor: str


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """`start` records were read, `tail` are the last of them."""

    start: int = 0
    tail: list[str] = []


async def read_by_offset(cursor: str, fetch: Callable[[int], Awaitable[OffsetPage]]) -> Stretch:
    """The next records of a list, read with `fetch(position)`. Raises what `fetch` raises."""
    place = _decode(cursor)
    skip = max(place.start - len(place.tail), 0)
    page = await fetch(skip)
    steps = 0
    while (first := _after(page.ids, place.tail)) is None and skip:
        steps += 1
        skip = max(skip - max(len(page.ids), TAIL), 0) if steps < _MOST_STEPS else 0
        page = await fetch(skip)
    overlap = min(TAIL, len(page.ids) // 2)  # the next page must hold more than what it overlaps
    following = _Place(skip + len(page.ids), list(page.ids[len(page.ids) - overlap :]))
    return Stretch(page, first or 0, msgspec.json.encode(following).decode())


def _after(ids: Sequence[str], tail: Sequence[str]) -> int | None:
    """The place behind the last record that was read; None when none of them is there.

    Records that share an id, such as those without one, say nothing about the place once the list has moved.
    """
    if list(ids[: len(tail)]) == list(tail):
        return len(tail)
    times = Counter(ids)
    known = {id_ for id_ in tail if times[id_] == 1}
    return next((n + 1 for n in range(len(ids) - 1, -1, -1) if ids[n] in known), None)


def _decode(cursor: str) -> _Place:
    """A cursor of another form, from before an update, begins the list again."""
    try:
        return decode_json(cursor, _Place) if cursor else _Place()
    except msgspec.DecodeError:
        return _Place()
