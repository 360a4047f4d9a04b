"""Stock of variants: one number per stock location. The undivided stock is that of the connection's own location."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from canonical.dimensions import part_of
from canonical.elements import STOCK
from canonical.keys import ElementKey
from canonical.money import InexactAmount, number_text, to_integer
from canonical.values import QuantityValue, quantity
from connectors.messages import SHOWN_UNREADABLE
from connectors.ports import ChannelReading, HttpCaller, SystemUnavailable
from connectors.vendure import reasons
from connectors.vendure.amounts import read_whole
from connectors.vendure.messages import LOCATIONS, StockLocation, StockLocations, Variant
from connectors.vendure.session import Facts, VendureSession
from foundation.i18n.messages import NOTHING, MessageText, text_of

PARTS: Final = ("location",)
_NAMED: Final = 20
"""Known locations that a refusal names."""
_MOST_PAGES: Final = 50


class Places(msgspec.Struct, frozen=True):
    """Stock locations of the shop. `first_id`: the undivided stock's; empty in a shop without any."""

    first_id: str
    known: Sequence[StockLocation] = ()

    def find(self, key: ElementKey) -> str:
        """The id of the key's location: of that name, else with that id. Empty when there is none, or several."""
        wanted = part_of(key.dimension, "location")
        if not wanted:
            return self.first_id
        named = [each.id for each in self.known if each.name == wanted] or [
            each.id for each in self.known if each.id == wanted
        ]
        return named[0] if len(named) == 1 else ""


async def find_places(http: HttpCaller, session: VendureSession, facts: Facts, keys: Sequence[ElementKey]) -> Places:
    """Stock locations, requested from the shop only when a key names one. Raises as `VendureSession.query`."""
    if not any(key.element == STOCK and key.dimension for key in keys):
        return Places(facts.location_id)
    found: dict[str, StockLocation] = {}
    for _ in range(_MOST_PAGES):
        page = await session.query_list(http, LOCATIONS, {"skip": len(found)}, StockLocations)
        before = len(found)
        found |= {each.id: each for each in page.stock_locations.items}
        if len(found) >= page.stock_locations.total_items or len(found) == before:
            return Places(facts.location_id, list(found.values()))
    raise SystemUnavailable(reasons.LOCATIONS_TOO_LONG.write())


def find_trouble(key: ElementKey, value: QuantityValue, places: Places) -> MessageText:
    """Reason why the stock cannot be shown there; empty when there is none."""
    if not places.find(key):
        return _unknown(part_of(key.dimension, "location"), places)
    is_whole = value == quantity(value.amount) and "." not in value.amount
    return NOTHING if is_whole else reasons.WHOLE_PIECES.write()


def to_input(value: QuantityValue, location_id: str) -> dict[str, Any]:
    return {"stockLocationId": location_id, "stockOnHand": to_integer(value.number)}


def read_stock(key: ElementKey, variant: Variant, places: Places) -> ChannelReading:
    """Reading of a variant's stock. A known location without a stock level of the variant has 0."""
    place = places.find(key)
    if not place and key.dimension:
        return ChannelReading(key, None)
    levels = [level.stock_on_hand for level in variant.stock_levels if level.stock_location_id == place]
    text = number_text(bytes(levels[0])) if levels else "0"
    try:
        return ChannelReading(key, quantity(read_whole(text)))
    except InexactAmount as problem:
        return ChannelReading(key, None, unreadable=SHOWN_UNREADABLE.write(text=text[:60], reason=text_of(problem)))


def _unknown(wanted: str, places: Places) -> MessageText:
    if not wanted:
        return reasons.NO_LOCATION.write()
    named = [each.name for each in places.known]
    if named.count(wanted) > 1:
        return reasons.LOCATIONS_NAMED.write(count=named.count(wanted), name=wanted)
    more = ["…"] if len(named) > _NAMED else []
    return reasons.LOCATION_UNKNOWN.write(name=wanted, named=[*named[:_NAMED], *more])
