"""Governed elements."""

from typing import Final

PRICE: Final = "price.list"
STOCK: Final = "stock.on_hand"
COST: Final = "price.cost"

# Elements that describe a record and are not distributed to channels.
REFERENCE_ELEMENTS: Final = frozenset({COST})
