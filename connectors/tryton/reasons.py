"""Messages of Tryton's connector."""

from typing import Final

from foundation.i18n.messages import MessageType
from foundation.marks import N_

SESSION_NOT_ACCEPTED: Final = MessageType(
    "tryton.session_not_accepted", N_("Tryton did not accept the session that it had just created. Try again later.")
)
SIGN_IN_REFUSED: Final = MessageType(
    "tryton.sign_in_refused", N_("Tryton did not accept our sign-in. Check the credentials.")
)
SESSION_FORGOTTEN: Final = MessageType(
    "tryton.session_ended", N_("Tryton ended the session right after sign-in. Try again later.")
)
NO_COMPANY: Final = MessageType(
    "tryton.no_company", N_("The Tryton user has no company. Choose one in its preferences.")
)
CALL_REFUSED: Final = MessageType("tryton.call_refused", N_("Tryton refused {method}: {text}"))
PRODUCT_UNREADABLE: Final = MessageType(
    "tryton.product_unreadable", N_("Tryton cannot read its product {product}. {reason}")
)
PRODUCT_NOT_TAKEN: Final = MessageType(
    "tryton.product_not_taken", N_("Tryton's product {product} cannot be taken over as it is. {named}")
)
NAMED_REASON: Final = MessageType("tryton.named_reason", N_("{element}: {reason}"))
SALE_NOT_TAKEN: Final = MessageType(
    "tryton.sale_not_taken", N_("Tryton's sale cannot be taken over as it is: {reason}")
)
SHIPMENT_NOT_READ: Final = MessageType(
    "tryton.shipment_not_read", N_("A shipment of Tryton's sale cannot be read: {reason}")
)
SALE_SHOWN: Final = MessageType("tryton.sale_shown", N_("Sale {sale}: {reason}"))
SALES_SHARE: Final = MessageType(
    "tryton.sales_share", N_("{count} sales have this reference, so it is not known which one is meant.")
)
NOT_DIVIDED: Final = MessageType("tryton.not_divided", N_("Tryton's values of it are not divided."))
LEFT_OUT: Final = MessageType("tryton.left_out", N_("Tryton left it out of its answer."))
TEXT_NOT_KEPT: Final = MessageType("tryton.text_not_kept", N_("The text contains a character that cannot be stored."))
OTHER_UNIT: Final = MessageType(
    "tryton.other_unit",
    N_("It is sold and counted in different units, so this is not the price of one piece."),
)
BEYOND_FLOATS: Final = MessageType(
    "tryton.beyond_floats", N_("{number} is beyond the whole numbers that Tryton can store exactly.")
)
NOT_WHOLE: Final = MessageType(
    "tryton.not_whole", N_("{number} is not a whole number of pieces. Keep this product in a unit without digits.")
)
ORDERS_ONLY: Final = MessageType("tryton.orders_only", N_("Tryton takes orders only; it owns its other values."))
SEVERAL_SALES: Final = MessageType(
    "tryton.several_sales",
    N_("Tryton has {count} sales with this reference. Nothing more is done: delete all but one of them there."),
)
SALE_LOST: Final = MessageType(
    "tryton.sale_lost",
    N_("Tryton created a sale, and has none with this reference now. Look for it there before this is sent again."),
)
OTHER_CONTENT: Final = MessageType(
    "tryton.other_content",
    N_("Tryton holds a sale with this reference and other content. It is not overwritten: change it there."),
)
SALE_FIXED: Final = MessageType(
    "tryton.sale_fixed",
    N_(
        "The order has changed in the shop, and its sale is {state} in Tryton, which no longer lets it be changed. "
        "Correct it there, or agree on a new order."
    ),
)
SALE_CANCELLED: Final = MessageType(
    "tryton.sale_cancelled",
    N_("The shop cancelled this order, and so is its sale in Tryton. It is not opened again: enter a new order."),
)
CANCELLED_TOO_LATE: Final = MessageType(
    "tryton.cancelled_too_late",
    N_(
        "The shop cancelled this order, and its sale is {state} in Tryton, which no longer lets it be cancelled. Stop "
        "its shipment there, or agree with the buyer."
    ),
)
BLANKS: Final = MessageType(
    "tryton.blanks", N_("Tryton removes spaces around a reference, so the sale would not be found again.")
)
SEVERAL_LINES: Final = MessageType(
    "tryton.several_lines",
    N_("The customer's name or address has several lines, which Tryton's comment cannot keep apart."),
)
BUYER_NOT_KEPT: Final = MessageType(
    "tryton.buyer_not_kept", N_("The customer's name or address has a character that cannot be stored.")
)
NO_PRODUCT: Final = MessageType("tryton.no_product", N_("A line has no product, or one without a code."))
DELIVERY_TWICE: Final = MessageType(
    "tryton.delivery_twice", N_("The product for delivery charges occurs in it more than once.")
)
OTHER_COMMENT: Final = MessageType(
    "tryton.other_comment",
    N_("Its comment does not begin with the customer and the address of the shop's order."),
)
NO_QUANTITY: Final = MessageType("tryton.no_quantity", N_("A line has no quantity."))
NO_PRICE: Final = MessageType("tryton.no_price", N_("A line has no price."))
DELIVERY_ORDERED: Final = MessageType(
    "tryton.delivery_ordered", N_("The order contains {code}, which stands for delivery in Tryton.")
)
NO_DELIVERY_CODE: Final = MessageType(
    "tryton.no_delivery_code",
    N_("The order has a price of delivery. Enter the code of a product for it in the connection."),
)
QUANTITY_INEXACT: Final = MessageType(
    "tryton.quantity_inexact", N_("Tryton cannot keep the quantity {number} exactly.")
)
NO_CUSTOMER_CODE: Final = MessageType(
    "tryton.no_customer_code",
    N_("Enter the code of the party in Tryton that web orders belong to in the connection."),
)
NO_PARTY: Final = MessageType(
    "tryton.no_party",
    N_("Tryton has no party with the code {code}. Create it, or correct the connection's setting."),
)
WAREHOUSES_CALLED: Final = MessageType(
    "tryton.warehouses_called",
    N_("{count} warehouses in Tryton are called {name}. Correct the connection's setting."),
)
SEVERAL_WAREHOUSES: Final = MessageType(
    "tryton.several_warehouses",
    N_("Tryton has {count} warehouses. Enter the code of the one that orders are sent from."),
)
NO_CURRENCY: Final = MessageType("tryton.no_currency", N_("Tryton has no currency {currency}. Create it there."))
UNKNOWN_CODES: Final = MessageType(
    "tryton.unknown_codes",
    N_("Tryton has no product with the code {named}. Create it there, or correct the shop's SKU."),
)
WAREHOUSES_ALIKE: Final = MessageType(
    "tryton.warehouses_alike",
    N_("Several warehouses in Tryton are called {name}. Give each a code of its own."),
)
TAXES_INCLUDED: Final = MessageType(
    "tryton.taxes_included",
    N_("Tryton's price list {name} includes taxes; prices are reported without. Use another."),
)
PRICE_LISTS_CALLED: Final = MessageType(
    "tryton.price_lists_called",
    N_("Tryton has {count} price lists called {name}. Correct the setting, or the name there."),
)
CURRENCIES_CALLED: Final = MessageType(
    "tryton.currencies_called",
    N_("Tryton has {count} currencies called {name}. Correct the setting, or the name there."),
)
NO_DAY: Final = MessageType(
    "tryton.no_day", N_("“{text}” is not a day from which sales can be read. Correct the connection's setting.")
)
DIMENSION_UNUSABLE: Final = MessageType(
    "tryton.dimension_unusable", N_("Tryton's values cannot be divided by it: {error} Rename it there.")
)
LANGUAGE_UNKNOWN: Final = MessageType(
    "tryton.language_unknown",
    N_(
        "Tryton's language {text} has no code that names a language, so texts in it are not read. Correct the code in "
        "Tryton, or make the language not translatable there."
    ),
)
