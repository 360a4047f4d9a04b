"""Message formats of the sandbox market: decimal prices as text, one revision per attribute."""

from typing import Annotated

import msgspec

from canonical.values import Value


class MarketPrice(msgspec.Struct, frozen=True):
    value: Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$")]
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


class ShownPrice(msgspec.Struct, frozen=True):
    """Raw, so that an unquoted number is not parsed as a float."""

    value: msgspec.Raw
    currency: msgspec.Raw


class FeedItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Sets the price, the quantity or one other attribute of one listing, unless its revision is already as high."""

    sku: str
    revision: int
    reference: str
    price: MarketPrice | None = None
    quantity: int | None = None
    attribute: str = ""  # of `value`: an element with its dimension, as `element@dimension`
    value: Value | None = None


class Feed(msgspec.Struct, frozen=True):
    items: list[FeedItem]


class Rejection(msgspec.Struct, frozen=True):
    index: int
    reason: str


class FeedReceipt(msgspec.Struct, frozen=True):
    """Only rejections are immediate; everything else is applied later, or silently not."""

    feed_id: str
    rejected: list[Rejection]


class ShownAttribute(msgspec.Struct, frozen=True):
    """`value` is a tagged value; raw, as in `ShownPrice`."""

    value: msgspec.Raw
    revision: int


class Listing(msgspec.Struct, frozen=True):
    sku: str
    price: ShownPrice
    price_revision: int
    quantity: int
    quantity_revision: int
    attributes: dict[str, ShownAttribute] = {}


class Catalogue(msgspec.Struct, frozen=True):
    """A page of listings; `following` is the next page's number, 0 after the last."""

    skus: list[str]
    following: int


class ShownListing(msgspec.Struct, frozen=True):
    """A raw `Listing`: one invalid value must not make the others unreadable."""

    sku: str
    price: msgspec.Raw
    price_revision: msgspec.Raw
    quantity: msgspec.Raw
    quantity_revision: msgspec.Raw
    attributes: dict[str, ShownAttribute] = {}


class Listings(msgspec.Struct, frozen=True):
    listings: list[ShownListing]
