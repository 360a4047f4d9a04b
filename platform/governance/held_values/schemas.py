"""Structs of held values for pages and the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from foundation.reasons import LONGEST_REASON
from foundation.web.requests import RequestBody


class HeldGroup(msgspec.Struct, frozen=True):
    """Held values of one connection and element, the newest of each record. `source` names the sources of truth of the
    contracts that select some of them; None without any. `unselected`: how many no contract selects.
    `is_retired`: the element is, so its contracts have ended. `awaits_baseline`: the client is new, and its values
    are held until a baseline is accepted or skipped, or it is live.
    """

    connection_id: UUID
    connection: str
    element: str
    values: int
    oldest_at: datetime
    newest_at: datetime
    has_contract: bool
    source: str | None
    unselected: int = 0
    is_retired: bool = False
    awaits_baseline: bool = False


class HeldList(msgspec.Struct, frozen=True):
    items: Sequence[HeldGroup]


class DiscardInput(RequestBody, frozen=True):
    """The held values of `connection_id` and `element`, and the reason why they are not needed."""

    connection_id: UUID
    element: str
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_REASON)]


class DiscardResult(msgspec.Struct, frozen=True):
    discarded: int
