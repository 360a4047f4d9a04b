"""Divided values and an order of each client: prices per currency and price list, stock per warehouse, a text per
language, and an order that is sent from the shop to the ERP, with its status returned.
"""

from typing import Final

from canonical.dimensions import dimension
from canonical.elements import COST, DESCRIPTION, ORDER_DOCUMENT, ORDER_STATUS, PRICE, STOCK
from canonical.keys import ElementKey
from canonical.orders import OrderLine, OrderValue
from canonical.values import TextValue, Value, money, quantity
from connectors.poll_job import schedule_poll
from connectors.sandbox.catalogue import sku_of
from connectors.sandbox.erp.messages import NewErpValue
from controlplane.demo.progress import approve_until, wait_for
from controlplane.demo.seed import SKUS, SeededClient
from controlplane.demo.systems import ClientSystems
from controlplane.services import Services
from foundation.clock import utc_now
from governance.relations import PROPAGATIONS

SHIPPED: Final = "shipped"
_SKU: Final = sku_of(SKUS - 1)
_ABROAD: Final = {"USD": "EUR", "EUR": "USD"}
_TEXTS: Final = {
    "en": "Galvanised widget for outdoor use.",
    "de": "Verzinktes Widget für den Außenbereich.",
    "fr": "Widget galvanisé pour l’extérieur.",
}
_VERIFIED: Final = f"SELECT count(*) FROM {PROPAGATIONS} p WHERE state = 'verified'"


def divided_values(currency: str) -> dict[ElementKey, Value]:
    """Values that channels show of one product of a client, whose own currency is `currency`."""
    abroad = _ABROAD[currency]
    values: dict[ElementKey, Value] = {
        ElementKey(_SKU, PRICE, dimension(currency=abroad)): money("29.90", abroad),
        ElementKey(_SKU, PRICE, dimension(currency=abroad, price_list="Wholesale")): money("24.50", abroad),
        ElementKey(_SKU, STOCK, dimension(location="Berlin")): quantity(60),
        ElementKey(_SKU, STOCK, dimension(location="Rotterdam")): quantity(40),
    }
    texts = {ElementKey(_SKU, DESCRIPTION, dimension(locale=name)): TextValue(text) for name, text in _TEXTS.items()}
    return values | texts


def order_of(currency: str) -> OrderValue:
    lines = (OrderLine(sku_of(0), "2", "10"), OrderLine(sku_of(3), "1", "13"))
    return OrderValue(currency, "Ada Lovelace", "ada@example.com", lines, shipping="4.90")


async def begin_trade(services: Services, client: SeededClient, systems: ClientSystems) -> str:
    """Enter the divided values in the ERP and place an order in the shop; returns the order's number."""
    abroad = _ABROAD[client.plan.currency]
    cost = ElementKey(_SKU, COST, dimension(currency=abroad))  # first: policy compares the prices with it
    values = {cost: money("4.60", abroad), **divided_values(client.plan.currency)}
    new = [NewErpValue(k.record_key, k.element, value=value, dimension=k.dimension) for k, value in values.items()]
    await systems.enter(*new)
    number = await systems.place(order_of(client.plan.currency))
    async with services.db.transaction(client.scope) as session:
        await schedule_poll(session, client.shop, at=utc_now())
    return number


async def finish_trade(services: Services, client: SeededClient, systems: ClientSystems, number: str) -> None:
    """Ship the order as soon as the ERP has it; returns when everything has been read back."""
    await wait_for(services, client, f"{_VERIFIED} AND element = '{ORDER_DOCUMENT}'", 1)
    await systems.set_status(number, SHIPPED)
    wanted = len(divided_values(client.plan.currency)) * len(client.channels)
    await approve_until(services, client, f"{_VERIFIED} AND dimension <> ''", wanted)
    await wait_for(services, client, f"{_VERIFIED} AND element = '{ORDER_STATUS}'", 1)
