"""Messages of the sandbox's connectors."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

ERP: Final = MessageType("sandbox.erp", N_("The sandbox ERP"))
SHOP: Final = MessageType("sandbox.shop", N_("The shop"))
MARKET: Final = MessageType("sandbox.market", N_("The market"))
UNKNOWN_PRODUCT: Final = MessageType(
    "sandbox.unknown_product", N_("The shop has no product with this SKU. Create it there, or unmap the record.")
)
NEWER_THERE: Final = MessageType("sandbox.newer_there", N_("The shop holds a newer version."))
VALUE_NOT_TAKEN: Final = MessageType("sandbox.value_not_taken", N_("The shop does not accept this value."))
UNKNOWN_LISTING: Final = MessageType(
    "sandbox.unknown_listing", N_("The market has no listing with this SKU. Create it there, or unmap the record.")
)
OTHER_CURRENCY: Final = MessageType("sandbox.other_currency", N_("The market lists this product in another currency."))
SEVERAL_LISTINGS: Final = MessageType("sandbox.several_listings", N_("{count} listings with this SKU"))
ITEM_REJECTED: Final = MessageType("sandbox.item_rejected", N_("The market rejected the item: {reason}."))
CANNOT_LIST: Final = MessageType("sandbox.cannot_list", N_("The market cannot list this value: {error}"))
ORDERS_ONLY: Final = MessageType("sandbox.orders_only", N_("The sandbox ERP takes orders only."))
SOME_CHANGES: Final = MessageType(
    "sandbox.some_changes", N_("{count} of {number} changes cannot be read. {reason} (changes[{index}])")
)
MUST_BE_TYPED: Final = MessageType("sandbox.must_be_typed", N_("{element} of {record_key} must come as a typed value."))
CURRENCY_MISSING: Final = MessageType(
    "sandbox.currency_missing", N_("{element} of {record_key} must come with a currency; it came without one.")
)
CURRENCY_UNWANTED: Final = MessageType(
    "sandbox.currency_unwanted", N_("{element} of {record_key} must come without a currency; it came with one.")
)
