"""Observed values of governed elements, as connectors report them and governance compares them."""

from typing import Final

PRICE: Final = "price.list"
STOCK: Final = "stock.on_hand"
COST: Final = "price.cost"

# Elements that describe a record without being distributed to channels.
REFERENCE_ELEMENTS: Final = frozenset({COST})
