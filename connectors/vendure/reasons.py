"""Messages of Vendure's connector."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

UNKNOWN_SKU: Final = MessageType(
    "vendure.unknown_sku", N_("Vendure has no variant with this SKU. Create it there, or unmap the record.")
)
SHARED_SKU: Final = MessageType(
    "vendure.shared_sku",
    N_("At least {count} variants have this SKU in Vendure, so it is not known which is meant. Give each its own."),
)
ONE_FIELD: Final = MessageType(
    "vendure.one_field",
    N_("The values of these dimensions are one field in Vendure, and they differ: {dimensions}. Keep one of them."),
)
NO_DIMENSION: Final = MessageType("vendure.no_dimension", N_("no dimension"))
SIGN_IN_REFUSED: Final = MessageType(
    "vendure.sign_in_refused", N_("Vendure did not accept our sign-in ({text}). Check the credentials.")
)
COOKIE_ONLY: Final = MessageType(
    "vendure.cookie_only",
    N_("Vendure signs in by cookie only. Set authOptions.tokenMethod to include 'bearer'."),
)
SETTINGS_REFUSED: Final = MessageType(
    "vendure.settings_refused", N_("Vendure lets us sign in but not read its settings: {reason}")
)
TAX_INCLUDED: Final = MessageType(
    "vendure.tax_included",
    N_("This Vendure channel's prices include tax, other than this connection is set to."),
)
TAX_NOT_INCLUDED: Final = MessageType(
    "vendure.tax_not_included",
    N_("This Vendure channel's prices do not include tax, other than this connection is set to."),
)
CURRENCY_UNUSABLE: Final = MessageType(
    "vendure.currency_unusable", N_("This Vendure channel's currency cannot be used: {error}")
)
NO_DATA: Final = MessageType("vendure.no_data", N_("Vendure answered without data and without an error."))
NO_PRICE_LIST: Final = MessageType(
    "vendure.no_price_list",
    N_(
        "The setting of this connection does not name the Vendure channel that shows the price list “{name}”. {known} "
        "Add it to the connection's price lists."
    ),
)
KNOWN_LISTS: Final = MessageType("vendure.known_lists", N_("It names: {named}."))
NO_KNOWN_LIST: Final = MessageType("vendure.no_known_list", N_("It names none."))
READING_REFUSED: Final = MessageType("vendure.reading_refused", N_("Vendure did not answer the reading: {reason}"))
LISTING_REFUSED: Final = MessageType("vendure.listing_refused", N_("Vendure did not list its variants: {reason}"))
NOT_DIVIDED: Final = MessageType("vendure.not_divided", N_("Vendure does not divide {element} by {dimension}."))
ORDER_NOT_TAKEN: Final = MessageType(
    "vendure.order_not_taken", N_("Vendure's order cannot be taken over as it is: {reason}")
)
ORDERS_REFUSED: Final = MessageType(
    "vendure.orders_refused",
    N_("Vendure did not list its orders: {reason} The administrator's role must be able to read orders."),
)
OTHER_TOTAL: Final = MessageType(
    "vendure.other_total", N_("its lines and shipping make {sum}, and its total is {total}.")
)
NEGATIVE_QUANTITY: Final = MessageType("vendure.negative_quantity", N_("{number} pieces of {sku} is not a quantity."))
LINE_WITHOUT_SKU: Final = MessageType(
    "vendure.line_without_sku", N_("a line's variant has no SKU. Give it one in Vendure.")
)
SURCHARGE_WITHOUT_SKU: Final = MessageType(
    "vendure.surcharge_without_sku", N_("its surcharge “{text}” has no SKU. Give surcharges one in Vendure.")
)
NO_DAY: Final = MessageType(
    "vendure.no_day", N_("“{text}” is not a day from which orders can be read. Correct the setting.")
)
NO_SUCH_ORDER: Final = MessageType("vendure.no_such_order", N_("Vendure has no order with this number."))
NEWER_STATUS: Final = MessageType("vendure.newer_status", N_("A newer status of the order was in the same batch."))
STATE_SHOWN: Final = MessageType("vendure.state_shown", N_("The order is {state} in Vendure."))
ORDERS_ENDLESS: Final = MessageType(
    "vendure.orders_endless", N_("Vendure's list of orders does not end, so their status is not known.")
)
NO_STATE: Final = MessageType(
    "vendure.no_state", N_("Vendure has no state for orders that are {status}. It shows: {named}.")
)
CANCELLED_THERE: Final = MessageType(
    "vendure.cancelled_there",
    N_("The order is cancelled in Vendure, which does not let an order return to an earlier state."),
)
FURTHER_THERE: Final = MessageType(
    "vendure.further_there",
    N_("The order is already {status} in Vendure, which does not let an order return to an earlier state."),
)
ONLY_AUTHORIZED: Final = MessageType(
    "vendure.only_authorized",
    N_(
        "The payment of this order is only authorized, so Vendure does not let it be {status}. Settle the payment in "
        "Vendure; the status is sent again."
    ),
)
NO_WAY: Final = MessageType(
    "vendure.no_way", N_("The order is {state} in Vendure, from where it cannot become {status} now.")
)
NOT_MOVED: Final = MessageType("vendure.not_moved", N_("Vendure did not move the order: {text}"))
SKU_LIST_UNREADABLE: Final = MessageType(
    "vendure.sku_list_unreadable", N_("Vendure's list of variants of one SKU cannot be read: {reason}")
)
TOO_LONG: Final = MessageType("vendure.too_long", N_("It is too long."))
SETTINGS_CHANGED: Final = MessageType(
    "vendure.settings_changed",
    N_("The settings of the Vendure channel changed while it was read. It is read again."),
)
LOCATIONS_TOO_LONG: Final = MessageType(
    "vendure.locations_too_long", N_("Vendure's list of stock locations is too long to be read.")
)
WHOLE_PIECES: Final = MessageType("vendure.whole_pieces", N_("Vendure counts whole pieces only."))
NO_LOCATION: Final = MessageType("vendure.no_location", N_("Vendure has no stock location. Create one there."))
LOCATIONS_NAMED: Final = MessageType(
    "vendure.locations_named",
    N_("Vendure has {count} stock locations named “{name}”. Give each its own name."),
)
LOCATION_UNKNOWN: Final = MessageType(
    "vendure.location_unknown",
    N_(
        "Vendure has no stock location named “{name}”. It has: {named}. Create the location there, or give one this "
        "name."
    ),
)
OTHER_CURRENCY: Final = MessageType(
    "vendure.other_currency", N_("This Vendure channel sells in {currency}, not in {other}.")
)
CURRENCY_NOT_SOLD: Final = MessageType(
    "vendure.currency_not_sold",
    N_(
        "This Vendure channel does not sell in {currency}, only in {named}. Add {currency} to the channel's available "
        "currencies in Vendure."
    ),
)
NEGATIVE_PRICE: Final = MessageType(
    "vendure.negative_price", N_("Vendure would show a negative price; it is not sent.")
)
DIGITS: Final = MessageType(
    "vendure.digits", N_("Vendure is set to {digits} digits and cannot hold this price exactly.")
)
NUMBERS_EXACT: Final = MessageType("vendure.numbers_exact", N_("Vendure keeps numbers exactly up to {most} only."))
NO_EXACT_PRICE: Final = MessageType(
    "vendure.no_exact_price",
    N_("Vendure shows {text} with {digits} digits after the point, which is no exact amount of {currency}."),
)
BEYOND_EXACT: Final = MessageType(
    "vendure.beyond_exact", N_("Vendure keeps numbers exactly up to {most} only. The price would be {amount}.")
)
LANGUAGE_NOT_SHOWN: Final = MessageType(
    "vendure.language_not_shown",
    N_(
        "This Vendure channel has no texts in the language {language}, only in {named}. Add it there to the available "
        "languages, first of the global settings, then of the channel."
    ),
)
NO_TEXT: Final = MessageType(
    "vendure.no_text", N_("The product has no text in any language in Vendure. Enter its name there once.")
)
NO_NAME: Final = MessageType("vendure.no_name", N_("Vendure would show the product without a name; it is not sent."))
PLAIN_NAME: Final = MessageType("vendure.plain_name", N_("A name in Vendure is plain text without markup."))
PLAIN_TEXT: Final = MessageType(
    "vendure.plain_text",
    N_("Vendure could not tell this HTML text from a plain one, as it has no markup. Report it as plain text."),
)
SHARED_TEXT: Final = MessageType(
    "vendure.shared_text", N_("The product has {count} variants in Vendure, which share one name and description.")
)
CHANGE_THERE: Final = MessageType("vendure.change_there", N_("{reason} Change it in Vendure itself."))
