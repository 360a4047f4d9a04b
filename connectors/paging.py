"""Progress check of paginated readings: detects and reports a list that repeats itself or never ends.

`ListProgress` is stored beside the cursor, so that the check spans jobs. Cycles of any length are found with one
remembered page (R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20, 1980): it is compared with each
later page and replaced after 1, 2, 4, 8 … pages.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from connectors import messages
from foundation.i18n.messages import MessageText
from foundation.text import is_storable

MOST_EMPTY: Final = 20
"""Limit of consecutive pages without records before the end. Filtered lists may have a few."""
MOST_REPEATED: Final = 1000
"""Limit of consecutive pages with only known records. An overlap may contain many."""
MOST_PAGES: Final = 20_000
LONGEST_CURSOR: Final = 10_000
_GROWN: Final = 2
_SLACK: Final = 1000


class ListProgress(msgspec.Struct, frozen=True, omit_defaults=True):
    """Progress since the start of the list. `mark` and `page` are the remembered cursor and page, `lap` the pages since
    then.
    """

    pages: int = 0
    items: int = 0
    total: int | None = None  # first reported total
    mark: str = ""
    page: str = ""
    lap: int = 0
    power: int = 1
    empty: int = 0
    repeated: int = 0


class ListPage(msgspec.Struct, frozen=True):
    """One page. `requested` is its request's cursor; `identity` identifies the page when its items do not, as when many
    records share one key. `new` is the number of previously unknown items.
    """

    requested: str
    cursor: str
    more: bool
    items: Sequence[str]
    new: int | None = None
    total: int | None = None
    identity: str = ""


class Step(msgspec.Struct, frozen=True):
    """Next cursor and progress. With `trouble`, a reason for members, the next page is delayed."""

    cursor: str
    progress: ListProgress
    trouble: MessageText | None = None


def check_page(progress: ListProgress, page: ListPage) -> Step:
    """Next step after `page`. At its end the list restarts from the beginning."""
    if not is_storable(page.cursor) or len(page.cursor) > LONGEST_CURSOR:
        return Step(page.requested, progress, messages.POSITION_NOT_KEPT.write())
    if not page.more:
        return Step(page.cursor, ListProgress())
    cursor, identity = _digest(page.cursor), _digest(page.identity or "\0".join(page.items)) if page.items else ""
    grown = _counted(progress, page)
    if not page.cursor or page.cursor == page.requested:
        return Step(page.requested, grown, messages.LIST_STANDS_STILL.write())
    if cursor == progress.mark:
        return Step(page.requested, grown, messages.LIST_LEADS_BACK.write())
    repeats = bool(identity) and identity == progress.page
    if not repeats and grown.lap >= grown.power:
        grown = msgspec.structs.replace(grown, mark=cursor, page=identity, lap=0, power=2 * grown.power)
    return Step(page.cursor, grown, _trouble(grown, repeats=repeats))


def _counted(progress: ListProgress, page: ListPage) -> ListProgress:
    known = page.new == 0 and bool(page.items)
    return msgspec.structs.replace(
        progress,
        pages=progress.pages + 1,
        items=progress.items + len(page.items),
        total=page.total if progress.total is None else progress.total,
        lap=progress.lap + 1,
        empty=0 if page.items else progress.empty + 1,
        repeated=progress.repeated + 1 if known else progress.repeated if not page.items else 0,
    )


def _trouble(progress: ListProgress, *, repeats: bool) -> MessageText | None:
    if repeats:
        return messages.LIST_REPEATS.write()
    if progress.empty > MOST_EMPTY:
        return messages.LIST_EMPTY_PAGES.write(count=progress.empty)
    if progress.repeated > MOST_REPEATED:
        return messages.LIST_KNOWN_PAGES.write(count=progress.repeated)
    if progress.total is not None and progress.items > _GROWN * progress.total + _SLACK:
        return messages.LIST_GREW.write(total=progress.total, count=progress.items)
    if progress.pages > MOST_PAGES:
        return messages.LIST_ENDLESS.write(count=progress.pages)
    return None


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
