"""Saved views of lists: filters, an order and columns under a name.

Stored values are checked when a view is opened, not only when it is saved: a later release may have other filters.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

NO_VIEW: Final = "none"
"""Value of the parameter `view` that opens a list without the reader's default view."""
COLUMN_NAME: Final = "^[a-z0-9-]{1,60}$"
_COLUMN: Final = re.compile(COLUMN_NAME)
MOST_COLUMNS: Final = 30


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A view that the reader may open. `values` are those of filters by name, `sort` an order, or empty for the usual
    one. `columns` are the names of those shown, all if empty. `is_own`: the reader saved it.
    """

    id: UUID
    name: str
    values: Mapping[str, str]
    sort: str = ""
    columns: Sequence[str] = ()
    is_shared: bool = False
    is_own: bool = True
    is_default: bool = False


class ListViews(msgspec.Struct, frozen=True, kw_only=True):
    """The reader's views of one list. `address` is the page that saves and manages them."""

    address: str
    csrf_token: str
    may_share: bool
    views: Sequence[SavedView] = ()

    @property
    def default(self) -> SavedView | None:
        return next((one for one in self.views if one.is_default), None)

    def find(self, view: str) -> SavedView | None:
        return next((one for one in self.views if str(one.id) == view), None)


def column_names(given: Iterable[Any]) -> list[str]:
    """Names of columns, each once. They are sent one by one or separated by commas; anything else is ignored."""
    names = [name for text in given for name in str(text).split(",") if _COLUMN.match(name) and "\n" not in name]
    return list(dict.fromkeys(names))[:MOST_COLUMNS]


def column_name(label: str) -> str:
    """Name of a column in addresses, from its English label."""
    return "-".join(re.findall("[a-z0-9]+", label.lower()))[:60].strip("-")


def hidden_columns(names: Sequence[str], shown: Collection[str]) -> list[int]:
    """Positions, from 0, of the columns that are hidden. The first is always shown; all are if no name is known."""
    if not set(names) & set(shown):
        return []
    return [at for at, name in enumerate(names) if at and name and name not in shown]
