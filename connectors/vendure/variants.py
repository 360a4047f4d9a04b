"""Prices and stock of variants, written together: the values of one variant are one input of one mutation."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from canonical.elements import STOCK
from canonical.keys import ElementKey
from canonical.values import MoneyValue, QuantityValue
from connectors.ports import ChannelReading, ChannelWrite, HttpCaller, WriteResult
from connectors.vendure import outcomes, prices, stock
from connectors.vendure.lookup import Lookup
from connectors.vendure.messages import IDS, UPDATE, VARIANTS, Updated, VariantId, VariantIds, Variants
from connectors.vendure.outcomes import UNKNOWN, by_sku, shared_by
from connectors.vendure.session import Facts, VendureSession
from connectors.vendure.stock import Places, find_places
from foundation.i18n.messages import NOTHING, MessageText

INPUT_BYTES: Final = 160
"""Size that one value adds to a mutation besides its key."""


async def push_fields(http: HttpCaller, session: VendureSession, writes: Sequence[ChannelWrite]) -> list[WriteResult]:
    """Write prices and stock. Variants are looked up for every push: with a cached id, a SKU that has moved would
    update the wrong product, and with a cached currency a price would be written in another currency.
    """
    answer, variants = await Lookup(http, session, IDS, VariantIds).find(sorted({w.record_key for w in writes}))
    facts = await session.facts(http, answer)
    places = await find_places(http, session, facts, [write.key for write in writes])
    found = by_sku(variants)
    refused = {i: reason for i, write in enumerate(writes) if (reason := _trouble(write, facts, places, found))}
    fields = {i: _field(write, facts, places) for i, write in enumerate(writes) if i not in refused}
    refused |= outcomes.find_clashes(writes, fields)
    newest = outcomes.newest([index for index in fields if index not in refused], writes)
    chosen = [writes[index] for index in newest]
    if not chosen:
        return outcomes.merge(writes, refused, {})
    request = session.query(http, UPDATE, {"input": _inputs(chosen, facts, places, found)}, Updated)
    sent = await outcomes.send(request, chosen)
    return outcomes.merge(writes, refused, dict(zip(newest, sent, strict=True)))


async def read_fields(http: HttpCaller, session: VendureSession, keys: Sequence[ElementKey]) -> list[ChannelReading]:
    skus = list(dict.fromkeys(key.record_key for key in keys))
    answer, variants = await Lookup(http, session, VARIANTS, Variants).find(skus)
    facts = await session.facts(http, answer)
    places = await find_places(http, session, facts, keys)
    found = by_sku(variants)
    readings = []
    for key in keys:
        same = found.get(key.record_key, [])
        if len(same) != 1:
            readings.append(ChannelReading(key, None, unreadable=shared_by(same)))
        elif key.element == STOCK:
            readings.append(stock.read_stock(key, same[0], places))
        else:
            readings.append(prices.read_price(key, same[0], facts))
    return readings


async def find_skus(http: HttpCaller, session: VendureSession, skus: Sequence[str]) -> list[str]:
    """The subset of `skus` that exists in the shop."""
    return [variant.sku for variant in (await Lookup(http, session, IDS, VariantIds).find(skus))[1]]


def _trouble(
    write: ChannelWrite, facts: Facts, places: Places, found: Mapping[str, Sequence[VariantId]]
) -> MessageText:
    """Reason why the value cannot be shown; empty when there is none."""
    value, reason = write.value, NOTHING
    if isinstance(value, QuantityValue):
        reason = stock.find_trouble(write.key, value, places)
    elif isinstance(value, MoneyValue):
        reason = prices.find_trouble(write.key, value, facts)
    if reason:
        return reason
    variants = found.get(write.record_key, ())
    return shared_by(variants) if variants else UNKNOWN


def _field(write: ChannelWrite, facts: Facts, places: Places) -> tuple[str, str, str]:
    """Target of the value: SKU, element, and currency or location."""
    place = places.find(write.key) if write.element == STOCK else prices.currency_of(write.key, facts)
    return write.record_key, write.element, place


def _inputs(
    writes: Sequence[ChannelWrite], facts: Facts, places: Places, found: Mapping[str, Sequence[VariantId]]
) -> list[dict[str, Any]]:
    """One input per variant, each field once."""
    inputs: dict[str, dict[str, Any]] = {}
    done: set[tuple[str, str, str]] = set()
    for write in writes:
        field = _field(write, facts, places)
        if field in done:  # the same value under another key
            continue
        done.add(field)
        fields = inputs.setdefault(write.record_key, {"id": found[write.record_key][0].id})
        if isinstance(write.value, MoneyValue):
            fields.setdefault("prices", []).append(prices.to_input(write.value, facts))
        elif isinstance(write.value, QuantityValue):
            fields.setdefault("stockLevels", []).append(stock.to_input(write.value, field[2]))
    return list(inputs.values())
