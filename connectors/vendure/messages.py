"""GraphQL queries of Vendure's admin API, with their response formats."""

from typing import Any, Final, Generic, TypeVar

import msgspec

LOGIN: Final = """mutation ($username: String!, $password: String!) {
  login(username: $username, password: $password) { __typename ... on ErrorResult { message } } }"""

_FACTS: Final = """activeChannel { defaultCurrencyCode availableCurrencyCodes pricesIncludeTax
    defaultLanguageCode availableLanguageCodes }
  globalSettings { serverConfig { moneyStrategyPrecision } }
  stockLocations(options: {take: 1, sort: {createdAt: ASC}}) { items { id } }"""

_BY_SKU: Final = "options: {skip: $skip, take: $take, sort: {id: ASC}, filter: {sku: {in: $skus}}}"

SHOP: Final = f"{{ {_FACTS} }}"

IDS: Final = f"""query ($skus: [String!]!, $skip: Int!, $take: Int!) {{ {_FACTS}
  productVariants({_BY_SKU}) {{ totalItems items {{ id sku }} }} }}"""

VARIANTS: Final = f"""query ($skus: [String!]!, $skip: Int!, $take: Int!) {{ {_FACTS}
  productVariants({_BY_SKU}) {{ totalItems items {{
    id sku prices {{ currencyCode price }} stockLevels {{ stockLocationId stockOnHand }} }} }} }}"""

LIST: Final = """query ($skip: Int!, $take: Int!) {
  productVariants(options: {skip: $skip, take: $take, sort: {id: ASC}}) { totalItems items { id sku } } }"""

TEXTS: Final = f"""query ($skus: [String!]!, $skip: Int!, $take: Int!) {{ {_FACTS}
  productVariants({_BY_SKU}) {{ totalItems items {{ id sku product {{
    id translations {{ languageCode name slug description }} variantList(options: {{take: 1}}) {{ totalItems }}
  }} }} }} }}"""

LOCATIONS: Final = """query ($skip: Int!, $take: Int!) {
  stockLocations(options: {skip: $skip, take: $take, sort: {id: ASC}}) { totalItems items { id name } } }"""

UPDATE: Final = """mutation ($input: [UpdateProductVariantInput!]!) {
  updateProductVariants(input: $input) { id } }"""

UPDATE_TEXTS: Final = """mutation ($input: [UpdateProductInput!]!) { updateProducts(input: $input) { id } }"""


class LoginAnswer(msgspec.Struct, frozen=True):
    """`type_name` is CurrentUser, or the name of an error."""

    type_name: str = msgspec.field(name="__typename")
    message: str = ""


class Login(msgspec.Struct, frozen=True):
    login: LoginAnswer


class ActiveChannel(msgspec.Struct, frozen=True, rename="camel"):
    default_currency_code: str
    prices_include_tax: bool | None = None
    available_currency_codes: list[str] = []
    default_language_code: str = ""
    available_language_codes: list[str] | None = None


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


class StockLocation(msgspec.Struct, frozen=True):
    id: str
    name: str


class StockLocationList(msgspec.Struct, frozen=True, rename="camel"):
    items: list[StockLocation]
    total_items: int


class StockLocations(msgspec.Struct, frozen=True, rename="camel"):
    stock_locations: StockLocationList


class VariantPrice(msgspec.Struct, frozen=True, rename="camel"):
    """`price` is an integer; raw, so that anything else does not make the others unreadable."""

    currency_code: str
    price: msgspec.Raw


class StockLevel(msgspec.Struct, frozen=True, rename="camel"):
    """`stock_on_hand` raw, as `VariantPrice.price`."""

    stock_location_id: str
    stock_on_hand: msgspec.Raw


class VariantId(msgspec.Struct, frozen=True):
    id: str
    sku: str


class WithFacts(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A response with the shop's current settings. Absent where the query did not request them."""

    active_channel: ActiveChannel | None = None
    global_settings: GlobalSettings | None = None
    stock_locations: Locations | None = None


class Variant(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    sku: str
    prices: list[VariantPrice]
    stock_levels: list[StockLevel]


class Translation(msgspec.Struct, frozen=True, rename="camel"):
    language_code: str
    name: str
    slug: str
    description: str


class Total(msgspec.Struct, frozen=True, rename="camel"):
    total_items: int


class ProductTexts(msgspec.Struct, frozen=True, rename="camel"):
    """`variant_list` counts the product's variants."""

    id: str
    translations: list[Translation]
    variant_list: Total


class VariantTexts(msgspec.Struct, frozen=True):
    id: str
    sku: str
    product: ProductTexts


Item = TypeVar("Item", VariantId, Variant, VariantTexts)


class VariantList(msgspec.Struct, Generic[Item], frozen=True, rename="camel"):
    items: list[Item]
    total_items: int | None = None


class Listed(WithFacts, Generic[Item], frozen=True, rename="camel"):
    product_variants: VariantList[Item]


VariantIds = Listed[VariantId]
Variants = Listed[Variant]
Texts = Listed[VariantTexts]


class Updated(msgspec.Struct, frozen=True, rename="camel"):
    update_product_variants: list[Identified | None]


class UpdatedTexts(msgspec.Struct, frozen=True, rename="camel"):
    update_products: list[Identified | None]


class GraphQlProblem(msgspec.Struct, frozen=True):
    message: str
    extensions: dict[str, Any] = {}

    @property
    def code(self) -> str:
        return str(self.extensions.get("code", ""))


Data = TypeVar("Data")


class GraphQlAnswer(msgspec.Struct, Generic[Data], frozen=True):
    data: Data | None = None
    errors: list[GraphQlProblem] = []
