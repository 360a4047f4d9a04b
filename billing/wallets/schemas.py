"""Credit in the API and on pages. Amounts are integer minor units."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from billing.wallets.states import GrantKind, MoveKind
from foundation.web.requests import RequestBody

Minor = Annotated[int, msgspec.Meta(ge=1, le=10**15)]
Currency = Annotated[str, msgspec.Meta(max_length=3)]
Reason = Annotated[str, msgspec.Meta(max_length=500)]


class NewGrant(RequestBody, frozen=True, kw_only=True):
    """A grant. `kind`: `prepaid` or `promotional`. Grants of lower `priority` are used first, then those that expire
    first. `expires_on` is the last day. The client can read the reason.
    """

    kind: GrantKind = GrantKind.PREPAID
    currency: Currency
    amount_minor: Minor
    priority: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 100
    expires_on: date | None = None
    reason: Reason


class WithdrawInput(RequestBody, frozen=True):
    reason: Reason


class CreditRuleInput(RequestBody, frozen=True):
    """Members are notified when the credit falls below `low_minor`. With `top_up_minor` the next draft then gets a line
    that buys so much. `low_minor` 0 removes the rule.
    """

    currency: Currency
    low_minor: Annotated[int, msgspec.Meta(ge=0, le=10**11)]
    top_up_minor: Annotated[int, msgspec.Meta(ge=0, le=10**11)] = 0


class GrantView(msgspec.Struct, frozen=True):
    id: UUID
    kind: GrantKind
    currency: str
    amount_minor: int
    left_minor: int
    priority: int
    expires_on: date | None
    invoice_id: UUID | None
    reason: str
    granted_at: datetime
    granted_by: str


class MoveView(msgspec.Struct, frozen=True):
    """A change of a grant; uses are negative."""

    id: UUID
    grant_id: UUID
    kind: MoveKind
    currency: str
    amount_minor: int
    invoice_id: UUID | None
    note: str
    at: datetime
    actor: str


class CreditRuleView(msgspec.Struct, frozen=True):
    currency: str
    low_minor: int
    top_up_minor: int
    set_at: datetime
    set_by: str


class CurrencyBalance(msgspec.Struct, frozen=True):
    """Balance of a currency. `available_minor`: usable for invoices now."""

    currency: str
    available_minor: int


class CreditBalance(msgspec.Struct, frozen=True):
    """A client's credit; `moves` are the latest ones, newest first."""

    balances: Sequence[CurrencyBalance]
    grants: Sequence[GrantView]
    moves: Sequence[MoveView]
    rules: Sequence[CreditRuleView]
