"""Prices of variants: one per currency in each Vendure channel. The undivided price is the default currency's."""

from typing import Any, Final

from canonical.dimensions import part_of
from canonical.keys import ElementKey
from canonical.money import InexactAmount, number_text
from canonical.values import MoneyValue, money
from connectors.messages import SHOWN_UNREADABLE
from connectors.ports import ChannelReading
from connectors.vendure import reasons
from connectors.vendure.amounts import EXACT, from_shop, read_whole, to_shop
from connectors.vendure.messages import Variant
from connectors.vendure.session import Facts
from foundation.i18n.messages import NOTHING, MessageText

PARTS: Final = ("currency", "price_list")


def currency_of(key: ElementKey, facts: Facts) -> str:
    return part_of(key.dimension, "currency") or facts.currency


def find_trouble(key: ElementKey, value: MoneyValue, facts: Facts) -> MessageText:
    """Reason why the price cannot be shown there; empty when there is none."""
    currency = currency_of(key, facts)
    if reason := _trouble_of_channel(currency, facts):
        return reason
    if value.currency != currency:
        return reasons.OTHER_CURRENCY.write(currency=currency, other=value.currency)
    if currency not in facts.currencies:
        return reasons.CURRENCY_NOT_SOLD.write(currency=currency, named=facts.currencies)
    if value.number < 0:
        return reasons.NEGATIVE_PRICE.write()
    amount = None if value.minor is None else to_shop(value.number, facts.precision)
    if amount is None:
        return reasons.DIGITS.write(digits=facts.precision)
    return NOTHING if amount <= EXACT else reasons.BEYOND_EXACT.write(most=EXACT, amount=amount)


def to_input(value: MoneyValue, facts: Facts) -> dict[str, Any]:
    """Input for a price, with its currency: Vendure would otherwise assume the channel's current default, which may
    have changed since the look-up.
    """
    return {"currencyCode": value.currency, "price": to_shop(value.number, facts.precision)}


def read_price(key: ElementKey, variant: Variant, facts: Facts) -> ChannelReading:
    currency = currency_of(key, facts)
    shown = next((each.price for each in variant.prices if each.currency_code == currency), None)
    if shown is None or currency not in facts.currencies:
        return ChannelReading(key, None)
    text = number_text(bytes(shown))
    if reason := _trouble_of_channel(currency, facts):
        return ChannelReading(key, None, unreadable=SHOWN_UNREADABLE.write(text=f"{text} {currency}", reason=reason))
    try:
        price = money(from_shop(read_whole(text), facts.precision), currency)
    except InexactAmount:  # not representable, and no reason to fail the others
        price = None
    if price is None or price.minor is None:
        reason = reasons.NO_EXACT_PRICE.write(text=text[:60], digits=facts.precision, currency=currency)
        return ChannelReading(key, None, unreadable=reason)
    return ChannelReading(key, price)


def _trouble_of_channel(currency: str, facts: Facts) -> MessageText | None:
    return facts.tax_trouble or (facts.currency_trouble if currency == facts.currency else None)
