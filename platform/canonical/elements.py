"""The governed elements."""

from typing import Final

PRICE: Final = "price.list"
STOCK: Final = "stock.on_hand"
COST: Final = "price.cost"

# Elements that describe a record without being distributed to channels.
REFERENCE_ELEMENTS: Final = frozenset({COST})
