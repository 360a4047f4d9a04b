"""Structs of entitlements."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from foundation.web.requests import RequestBody

_Most = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]


class EntitlementSource(StrEnum):
    """Where an entitlement comes from; the first that says something applies."""

    CLIENT = "client"
    PLAN = "plan"
    PRICE_BOOK = "price_book"
    NONE = "none"


class EntitlementInput(RequestBody, frozen=True, kw_only=True):
    """What may be had of a `feature`: at most `hard_limit`, with a warning from `soft_limit` on, null for no limit; or
    nothing, if not `is_on`. `inherits` removes what was set, so that the plan or the price book applies again.
    """

    feature: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    is_on: bool = True
    soft_limit: _Most | None = None
    hard_limit: _Most | None = None
    inherits: bool = False


class EntitlementView(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may have of a feature, and `used`, the number that it has; None of a switch. `source_name` is the
    plan or price book.
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
        """From the soft limit on; without one, at the hard limit."""
        limit = self.soft_limit if self.soft_limit is not None else self.hard_limit
        return self.used is not None and limit is not None and self.used >= limit


class EntitlementRuleView(msgspec.Struct, frozen=True):
    """A rule as it is set."""

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
