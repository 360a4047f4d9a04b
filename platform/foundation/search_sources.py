"""Sources of the search: kinds of objects, declared by their rooms."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

FOUND_AT_MOST: Final = 8
"""Maximum of results of each kind; a longer text narrows the search."""


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A result of the search. `path` is the address of its page, from the root of the account that was searched. `key`:
    a record's key, which is shown exactly.
    """

    id: str
    title: str
    path: str
    note: str = ""
    key: str = ""


FindHits = Callable[[AsyncSession, str], Awaitable[Sequence[SearchHit]]]
"""Search for at most FOUND_AT_MOST objects by a text, which is not empty and can be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSource:
    """A kind of objects that members with `permission` find. `client` finds those of one client, in its scope; `fleet`
    those of all clients of an MSP, in the fleet's; `home` those of the MSP's own account. Results are in the order of
    `position`.
    """

    code: str
    label: str
    icon: str
    permission: str
    position: int
    client: FindHits | None = None
    fleet: FindHits | None = None
    home: FindHits | None = None
