"""Structs of a partner's channels for pages and the API."""

from datetime import datetime
from uuid import UUID

import msgspec

from canonical.values import HiddenValue, MoneyValue, QuantityValue, Value
from foundation.codes import LabelledCode
from foundation.marks import N_


class ListingState(LabelledCode):
    """State of a product on a channel, compared with its approved values."""

    CURRENT = "current", N_("Up to date")
    PUBLISHING = "publishing", N_("Publishing")
    """A newer value is on its way."""
    NOT_ACCEPTED = "not_accepted", N_("Not accepted")
    """The channel refused a value, or a value never became visible."""


class ChannelValueView(msgspec.Struct, frozen=True):
    """The value last read on a channel."""

    connection_id: UUID
    channel: str
    record_key: str
    element: str
    dimension: str
    record_type: str
    value: Value
    seen_at: datetime


class ChannelProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product as buyers see it on one channel: the values last read there.

    `price` and `sale_price` are those without dimensions, or the first of several; `prices` is the number of list
    prices. `stock` is the sum of all locations, null where units differ. `status` is the channel's, such as `active`.
    """

    connection_id: UUID
    channel: str
    record_key: str
    name: str
    price: MoneyValue | HiddenValue | None
    prices: int
    sale_price: MoneyValue | HiddenValue | None
    stock: QuantityValue | HiddenValue | None
    status: str
    state: str
    seen_at: datetime
