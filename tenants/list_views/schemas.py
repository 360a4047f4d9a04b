"""Bodies of the API of saved views."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody
from foundation.web.saved_views import COLUMN_NAME, MOST_COLUMNS

LONGEST_NAME: Final = 60
LIST_NAME: Final = "^[a-z0-9][a-z0-9-]{0,59}$"
MOST_FILTERS: Final = 30
LONGEST_VALUE: Final = 2_000
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
_Value = Annotated[str, msgspec.Meta(max_length=LONGEST_VALUE)]
_Column = Annotated[str, msgspec.Meta(pattern=COLUMN_NAME)]


class ListViewInput(RequestBody, frozen=True, kw_only=True):
    """A view of the list of this name, such as `exceptions`. `filters` and `sort` are parameters of the list's address,
    `columns` names of its page's columns, all if empty. `shared` is for every member of the account; `default` opens
    the view for the caller when no other is requested.
    """

    list: Annotated[str, msgspec.Meta(pattern=LIST_NAME)]
    name: _Name
    filters: Annotated[dict[_Value, _Value], msgspec.Meta(max_length=MOST_FILTERS)] = msgspec.field(
        default_factory=dict
    )
    sort: Annotated[str, msgspec.Meta(max_length=100)] = ""
    columns: Annotated[Sequence[_Column], msgspec.Meta(max_length=MOST_COLUMNS)] = ()
    shared: bool = False
    default: bool = False


class ListViewItem(msgspec.Struct, frozen=True, kw_only=True):
    """A view that the caller may open. `own`: the caller saved it."""

    id: UUID
    list: str
    name: str
    filters: Mapping[str, str]
    sort: str
    columns: Sequence[str]
    shared: bool
    default: bool
    own: bool
    saved_at: datetime
    saved_by: str


class ListViewItems(msgspec.Struct, frozen=True):
    items: Sequence[ListViewItem]
