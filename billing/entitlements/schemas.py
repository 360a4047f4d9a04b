"""Structs of entitlements."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from foundation.web.requests import RequestBody

_Most = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class EntitlementSource(StrEnum):
    """Source of an entitlement; the first in this order that has a rule applies."""

    CLIENT = "client"
    PLAN = "plan"
    PRICE_BOOK = "price_book"
    NONE = "none"


class EntitlementInput(RequestBody, frozen=True, kw_only=True):
    """An entitlement to a `feature`: at most `hard_limit`, with a warning from `soft_limit` on, null for no limit;
    nothing if not `is_on`. `inherits` removes the rule, so that the plan or the price book applies again.
    """

    feature: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    is_on: bool = True
    soft_limit: _Most | None = None
    hard_limit: _Most | None = None
    inherits: bool = False


class EntitlementView(msgspec.Struct, frozen=True, kw_only=True):
    """An account's entitlement to a feature. `used`: the number in use; None of a switch. `source_name` is the plan or
    price book.
    """

    feature: str
    is_on: bool
    soft_limit: int | None
    hard_limit: int | None
    used: int | None
    source: EntitlementSource
    source_name: str

    @property
    def is_near(self) -> bool:
        """Whether the use is at the soft limit or, without a soft limit, at the hard one."""
        limit = self.soft_limit if self.soft_limit is not None else self.hard_limit
        return self.used is not None and limit is not None and self.used >= limit


class EntitlementRuleView(msgspec.Struct, frozen=True):
    """An entitlement rule of a client or a price book."""

    feature: str
    is_on: bool
    soft_limit: int | None
    hard_limit: int | None
    changed_at: datetime
    changed_by: str


class EntitlementList(msgspec.Struct, frozen=True):
    items: Sequence[EntitlementView]


class RuleList(msgspec.Struct, frozen=True):
    items: Sequence[EntitlementRuleView]
