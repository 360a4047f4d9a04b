"""The GraphQL of Vendure's admin API that is used, with the shapes of its answers."""

from typing import Any, Final, Generic, TypeVar

import msgspec

LOGIN: Final = """mutation ($username: String!, $password: String!) {
  login(username: $username, password: $password) { __typename ... on ErrorResult { message } } }"""

SHOP: Final = """{ activeChannel { defaultCurrencyCode }
  globalSettings { serverConfig { moneyStrategyPrecision } }
  stockLocations(options: {take: 1, sort: {createdAt: ASC}}) { items { id } } }"""

IDS: Final = """query ($skus: [String!]!) {
  productVariants(options: {take: 200, sort: {id: ASC}, filter: {sku: {in: $skus}}}) { items { id sku } } }"""

VARIANTS: Final = """query ($skus: [String!]!) {
  productVariants(options: {take: 200, sort: {id: ASC}, filter: {sku: {in: $skus}}}) { items {
    sku prices { currencyCode price } stockLevels { stockLocationId stockOnHand } } } }"""

LIST: Final = """query ($skip: Int!, $take: Int!) {
  productVariants(options: {skip: $skip, take: $take, sort: {id: ASC}}) { items { id sku } } }"""

UPDATE: Final = """mutation ($input: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $input) { id } }"""


class LoginAnswer(msgspec.Struct, frozen=True):
    """`type_name` is CurrentUser, or the name of a refusal."""

    type_name: str = msgspec.field(name="__typename")
    message: str = ""


class Login(msgspec.Struct, frozen=True):
    login: LoginAnswer


class ActiveChannel(msgspec.Struct, frozen=True, rename="camel"):
    default_currency_code: str


class ServerConfig(msgspec.Struct, frozen=True, rename="camel"):
    money_strategy_precision: int


class GlobalSettings(msgspec.Struct, frozen=True, rename="camel"):
    server_config: ServerConfig


class Identified(msgspec.Struct, frozen=True):
    id: str


class Locations(msgspec.Struct, frozen=True):
    items: list[Identified]


class Shop(msgspec.Struct, frozen=True, rename="camel"):
    active_channel: ActiveChannel
    global_settings: GlobalSettings
    stock_locations: Locations


class Price(msgspec.Struct, frozen=True, rename="camel"):
    currency_code: str
    price: int


class StockLevel(msgspec.Struct, frozen=True, rename="camel"):
    stock_location_id: str
    stock_on_hand: int


class VariantId(msgspec.Struct, frozen=True):
    id: str
    sku: str


class VariantIdList(msgspec.Struct, frozen=True):
    items: list[VariantId]


class VariantIds(msgspec.Struct, frozen=True, rename="camel"):
    product_variants: VariantIdList


class Variant(msgspec.Struct, frozen=True, rename="camel"):
    sku: str
    prices: list[Price]
    stock_levels: list[StockLevel]


class VariantList(msgspec.Struct, frozen=True):
    items: list[Variant]


class Variants(msgspec.Struct, frozen=True, rename="camel"):
    product_variants: VariantList


class Updated(msgspec.Struct, frozen=True, rename="camel"):
    update_product_variants: list[Identified | None]


class Problem(msgspec.Struct, frozen=True):
    message: str
    extensions: dict[str, Any] = {}

    @property
    def code(self) -> str:
        return str(self.extensions.get("code", ""))


Data = TypeVar("Data")


class Answer(msgspec.Struct, Generic[Data], frozen=True):
    data: Data | None = None
    errors: list[Problem] = []
