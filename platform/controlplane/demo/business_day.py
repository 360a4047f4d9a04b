"""Simulated price and stock changes in the demonstration's ERPs. Values that a visitor set are not changed."""

import random
import threading
from collections import Counter

import httpx2
import msgspec

from canonical.elements import PRICE, STOCK
from controlplane.demo.installation import DemoInstallation
from controlplane.demo.seed import SKUS
from foundation.terminal import print_text

_SMALL, _LARGE = 30, 250
_MOST_PROPOSED = 4
"""Limit of prices per client that await approval because of the simulation; these are not changed again, so that an
answer still applies.
"""


class ErpPlay:
    """Simulation of one client's ERP. A value is saved only if nobody else has changed it since the last read or write
    (compare-and-set).
    """

    def __init__(self, http: httpx2.Client, url: str, draw: random.Random) -> None:
        self._http = http
        self._url = url
        self._draw = draw
        items = http.get(f"{url}/items").raise_for_status().json()["items"]
        self._known = {
            (item["sku"], element): int(item[element]["amount"]) for item in items for element in (PRICE, STOCK)
        }
        self._proposed: Counter[str] = Counter()

    def step(self) -> None:
        """Make one change: mostly stock and small prices. The first price and some later ones need approval, so that
        the inbox is not empty.
        """
        index, kind = self._draw.randrange(SKUS - 1), self._draw.random()  # the last has its stock per warehouse
        sku = f"SKU-{index:03}"
        if kind < 0.5:
            self._save(sku, STOCK, self._draw.randrange(20, 180))
            return
        is_large = (kind >= 0.95 or not self._proposed) and len(self._proposed) < _MOST_PROPOSED
        if sku in self._proposed:
            return
        if self._save(
            sku, PRICE, (10 + index) * 100 + self._draw.randrange(*((_SMALL, _LARGE) if is_large else (0, _SMALL)))
        ):
            self._proposed.update([sku] if is_large else [])

    def _save(self, sku: str, element: str, amount: int) -> bool:
        known = self._known.get((sku, element))
        if known is None:
            return False
        value = {"sku": sku, "element": element, "amount": amount, "expected": known}
        answer = self._http.post(f"{self._url}/changes", content=msgspec.json.encode({"changes": [value]}))
        if answer.status_code == 409:  # a visitor changed the value: not touched from now on
            del self._known[sku, element]
            return False
        answer.raise_for_status()
        self._known[sku, element] = amount
        return True


def play_business_day(demo: DemoInstallation, stop: threading.Event) -> None:
    draw = random.Random(7)  # noqa: S311 - a play, not a secret
    headers = {"Authorization": f"Bearer {demo.token}", "Content-Type": "application/json"}
    with httpx2.Client(timeout=10, headers=headers) as http:
        plays = [ErpPlay(http, f"{demo.sandbox}/{client.plan.slug}-erp", draw) for client in demo.clients]
        while not stop.wait(draw.uniform(1.0, 3.0)):
            try:
                draw.choice(plays).step()
            except httpx2.HTTPError as error:
                print_text(f"The sandbox ERP did not answer: {error}", err=True)
