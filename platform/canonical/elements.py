"""Governed elements, declared once: label, domain, type of value and dimensions."""

from typing import Final, Literal

import msgspec

from canonical.keys import PRODUCT, ElementKey
from canonical.marks import N_
from canonical.orders import ORDER

PRICE: Final = "price.list"
SALE_PRICE: Final = "price.sale"
STOCK: Final = "stock.on_hand"
COST: Final = "price.cost"
NAME: Final = "product.name"
DESCRIPTION: Final = "product.description"
ORDER_DOCUMENT: Final = "order.document"
ORDER_STATUS: Final = "order.status"
CUSTOM: Final = "custom."
"""Beginning of the codes of elements that an MSP or a client declares itself."""

_PRICE_PARTS: Final = ("price_list", "currency", "customer_group", "min_quantity", "valid_from", "valid_to")


class ElementType(msgspec.Struct, frozen=True, kw_only=True):
    """The declaration of an element.

    `dimensions`: the parts that may distinguish its values. `policy_reference`: the element of the same record with
    which policy compares it, as prices with the cost. `exposure`: the unit of a wrong value's size, for severity.
    `distributed`: values are sent to channels; otherwise they serve as references only. `codes`: the values of an
    enumeration, empty for any. `returned_to`: the element of the same record whose source alone gets the values, as
    only the shop of an order gets its status.
    """

    code: str
    label: str
    domain: str
    record_type: str = PRODUCT
    value_type: str
    dimensions: tuple[str, ...] = ()
    policy_reference: str = ""
    exposure: Literal["money", "units", "none"] = "none"
    distributed: bool = True
    codes: tuple[str, ...] = ()
    returned_to: str = ""


def _type(code: str, label: str, value_type: str, **more: object) -> ElementType:
    exposure = {"money": "money", "quantity": "units"}.get(value_type, "none")
    fields = {"code": code, "label": label, "domain": code.partition(".")[0], "value_type": value_type}
    return msgspec.convert({**fields, "exposure": exposure, **more}, ElementType)


_TYPES: Final = (
    _type(PRICE, N_("List price"), "money", dimensions=_PRICE_PARTS, policy_reference=COST),
    _type(SALE_PRICE, N_("Sale price"), "money", dimensions=_PRICE_PARTS, policy_reference=COST),
    _type("price.map", N_("Minimum advertised price"), "money", dimensions=("currency",)),
    _type(COST, N_("Cost"), "money", dimensions=("currency",), distributed=False),
    _type(STOCK, N_("Stock on hand"), "quantity", dimensions=("location",)),
    _type("stock.available", N_("Stock available"), "quantity", dimensions=("location",)),
    _type("stock.lead_time", N_("Lead time"), "measure", dimensions=("location",)),
    _type("stock.backorder", N_("Backorder allowed"), "boolean", dimensions=("location",)),
    _type(NAME, N_("Name"), "text", dimensions=("locale",)),
    _type(DESCRIPTION, N_("Description"), "text", dimensions=("locale",)),
    _type("product.status", N_("Status"), "enumeration", codes=("active", "draft", "discontinued")),
    _type("product.brand", N_("Brand"), "text"),
    _type("product.categories", N_("Categories"), "list"),
    _type("product.images", N_("Images"), "list"),
    _type("product.weight", N_("Weight"), "measure"),
    _type("product.available_from", N_("Available from"), "date"),
    _type("identifier.gtin", N_("GTIN"), "identifier", domain="product"),
    _type("identifier.hs", N_("HS code"), "identifier", domain="product"),
    _type("identifier.mpn", N_("Manufacturer part number"), "identifier", domain="product"),
    _type("customer.name", N_("Customer name"), "text", record_type="customer"),
    _type("customer.group", N_("Customer group"), "enumeration", record_type="customer"),
    _type("customer.credit_limit", N_("Credit limit"), "money", record_type="customer", dimensions=("currency",)),
    _type(
        "customer.status", N_("Customer status"), "enumeration", record_type="customer",
        codes=("active", "blocked", "closed"),
    ),
    _type(
        "reseller.status", N_("Reseller status"), "enumeration", record_type="reseller",
        codes=("applied", "authorized", "suspended", "terminated"),
    ),
    _type("reseller.authorized_until", N_("Authorized until"), "date", record_type="reseller"),
    _type(
        "order.status", N_("Order status"), "enumeration", record_type="order",
        codes=("open", "confirmed", "allocated", "shipped", "delivered", "cancelled", "returned"),
        returned_to=ORDER_DOCUMENT,
    ),
    _type("order.document", N_("Order"), "order", record_type="order"),
    _type("order.total", N_("Order total"), "money", record_type="order", returned_to=ORDER_DOCUMENT),
    _type("order.shipped_at", N_("Shipped at"), "timestamp", record_type="order", returned_to=ORDER_DOCUMENT),
    _type("policy.return_window", N_("Return window"), "measure", record_type="policy"),
    _type("policy.terms", N_("Terms"), "text", record_type="policy", dimensions=("locale",)),
)  # fmt: skip

ELEMENTS: Final = {each.code: each for each in _TYPES}
"""The product's own elements, by code."""

REFERENCE_ELEMENTS: Final = frozenset(each.code for each in _TYPES if not each.distributed)
"""Elements that describe a record and are not distributed to channels."""


RETURNED_ELEMENTS: Final = {each.code: each.returned_to for each in _TYPES if each.returned_to}
"""Elements sent only to the source of another element of the same record, with the code of that other element."""


def element_type(code: str) -> ElementType | None:
    return ELEMENTS.get(code)


def domain_of(code: str) -> str:
    """The element's domain; of an undeclared element, the beginning of its code."""
    known = ELEMENTS.get(code)
    return code.partition(".")[0] if known is None else known.domain


def describe_element(code: str) -> str:
    """The label; of an undeclared element, its code."""
    known = ELEMENTS.get(code)
    return code if known is None else known.label


def is_order_document(key: ElementKey) -> bool:
    return (key.element, key.record_type, key.dimension) == (ORDER_DOCUMENT, ORDER, "")
