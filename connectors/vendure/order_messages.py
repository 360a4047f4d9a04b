"""GraphQL queries of Vendure's admin API about orders, with their response formats."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from connectors.vendure.messages import GlobalSettings

# Carts, and orders that are being changed. Custom states of placed orders are none of these.
_NOT_PLACED: Final = (
    '["Created", "Draft", "AddingItems", "ArrangingPayment", "Modifying", "ArrangingAdditionalPayment"]'
)

ORDERS: Final = f"""query ($since: DateTime!, $placed: DateTime!, $skip: Int!, $take: Int!) {{
  globalSettings {{ serverConfig {{ moneyStrategyPrecision }} }}
  orders(options: {{skip: $skip, take: $take, sort: {{id: ASC}}, filter: {{
    active: {{eq: false}}, state: {{notIn: {_NOT_PLACED}}}, orderPlacedAt: {{after: $placed}},
    _or: [{{updatedAt: {{after: $since}}}}, {{orderPlacedAt: {{after: $since}}}}] }} }}) {{ totalItems items {{
      id code state updatedAt orderPlacedAt currencyCode total shipping
      customer {{ firstName lastName emailAddress }} shippingAddress {{ fullName company }}
      lines {{ quantity proratedLinePrice productVariant {{ sku }} }} surcharges {{ description sku price }} }} }} }}"""
"""Vendure does not move `updatedAt` when an order is placed, so its other date counts too."""

STATUSES: Final = """query ($codes: [String!]!, $skip: Int!, $take: Int!) {
  orders(options: {skip: $skip, take: $take, sort: {id: ASC}, filter: {code: {in: $codes}}}) { totalItems items {
    id code state nextStates lines { id quantity } fulfillments { id state lines { orderLineId quantity } }
    shippingLines { shippingMethod { fulfillmentHandlerCode } } } } }"""

_ERROR: Final = "... on ErrorResult { errorCode message }"
FULFILL: Final = f"""mutation ($input: FulfillOrderInput!) {{
  done: addFulfillmentToOrder(input: $input) {{ __typename ... on Fulfillment {{ id }} {_ERROR} }} }}"""
MOVE: Final = f"""mutation ($id: ID!, $state: String!) {{
  done: transitionFulfillmentToState(id: $id, state: $state) {{ __typename ... on Fulfillment {{ id }} {_ERROR} }} }}"""
CANCEL: Final = f"""mutation ($input: CancelOrderInput!) {{
  done: cancelOrder(input: $input) {{ __typename ... on Order {{ id }} {_ERROR} }} }}"""

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Customer(msgspec.Struct, frozen=True, rename="camel"):
    first_name: str
    last_name: str
    email_address: str


class Address(msgspec.Struct, frozen=True, rename="camel"):
    full_name: str | None = None
    company: str | None = None


class Sku(msgspec.Struct, frozen=True):
    sku: str


class PricedLine(msgspec.Struct, frozen=True, rename="camel"):
    """`prorated_line_price`: of the whole line, without tax and after all discounts, in the shop's integers."""

    quantity: msgspec.Raw
    prorated_line_price: msgspec.Raw
    product_variant: Sku


class Surcharge(msgspec.Struct, frozen=True):
    description: str
    price: msgspec.Raw
    sku: str | None = None


class VendureOrder(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    id: str
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    updated_at: Instant
    order_placed_at: Instant
    currency_code: str
    total: msgspec.Raw
    shipping: msgspec.Raw
    customer: Customer | None
    shipping_address: Address | None
    lines: list[PricedLine]
    surcharges: list[Surcharge]
    state: str = ""  # in no snapshot that was stored before cancelled orders were read


class OrderSnapshot(msgspec.Struct, frozen=True):
    """One order as of `read_at`; `precision` as in `session.Facts`."""

    precision: int
    read_at: Instant
    order: VendureOrder


class RawOrders(msgspec.Struct, frozen=True, rename="camel"):
    """Orders stay raw: they are stored byte for byte."""

    items: list[msgspec.Raw]
    total_items: int


class OrderPage(msgspec.Struct, frozen=True, rename="camel"):
    global_settings: GlobalSettings
    orders: RawOrders


class LineLeft(msgspec.Struct, frozen=True):
    id: str
    quantity: int


class FulfilledLine(msgspec.Struct, frozen=True, rename="camel"):
    order_line_id: str
    quantity: int


class Fulfillment(msgspec.Struct, frozen=True):
    id: str
    state: str
    lines: list[FulfilledLine]


class ShippingMethod(msgspec.Struct, frozen=True, rename="camel"):
    fulfillment_handler_code: str


class ShippingLine(msgspec.Struct, frozen=True, rename="camel"):
    shipping_method: ShippingMethod


class OrderState(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    code: str
    state: str
    next_states: list[str]
    lines: list[LineLeft]
    fulfillments: list[Fulfillment] | None
    shipping_lines: list[ShippingLine]


class OrderStateList(msgspec.Struct, frozen=True, rename="camel"):
    items: list[OrderState]
    total_items: int


class OrderStates(msgspec.Struct, frozen=True):
    orders: OrderStateList


class Done(msgspec.Struct, frozen=True, rename="camel"):
    """`error_code` is set when the shop answers with an error in place of the result."""

    id: str = ""
    error_code: str = ""
    message: str = ""


class DoneAnswer(msgspec.Struct, frozen=True):
    done: Done


def snapshot_bytes(precision: int, read_at: datetime, order: msgspec.Raw) -> bytes:
    """Vendure's own bytes, wrapped unchanged."""
    head: dict[str, Any] = {"precision": precision, "read_at": read_at}
    return b"".join((msgspec.json.encode(head)[:-1], b',"order":', order, b"}"))
