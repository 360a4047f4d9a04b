"""Automatic changes of the demonstration do not touch visitors' values and pending changes."""

import random
from collections import Counter

import httpx2

from canonical.elements import PRICE, STOCK
from controlplane.demo.business_day import ErpPlay
from controlplane.demo.seed import SKUS
from tests.connectors.running import TOKEN, RunningSandbox

STEPS = 600


def prices(http: httpx2.Client, url: str) -> dict[tuple[str, str], int]:
    items = http.get(f"{url}/items").raise_for_status().json()["items"]
    return {(item["sku"], element): item[element]["amount"] for item in items for element in (PRICE, STOCK)}


def test_values_set_by_a_visitor_are_not_overwritten(sandbox: RunningSandbox) -> None:
    url = sandbox.add("sandbox-erp", skus=SKUS)
    with httpx2.Client(timeout=60, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        play = ErpPlay(http, url, random.Random(1))
        before = prices(http, url)
        mine = [("SKU-001", PRICE, 4242), ("SKU-002", STOCK, 4), ("SKU-003", PRICE, before["SKU-003", PRICE] + 1)]
        values = [{"sku": sku, "element": element, "amount": amount} for sku, element, amount in mine]
        http.post(f"{url}/changes", json={"changes": values}).raise_for_status()
        for _ in range(STEPS):
            play.step()
        after = prices(http, url)
    assert [after[sku, element] for sku, element, _ in mine] == [amount for _, _, amount in mine]
    assert sum(after[key] != before[key] for key in before) > SKUS, "the others are lively"


def test_a_price_that_needs_a_person_is_not_changed_again(sandbox: RunningSandbox) -> None:
    url = sandbox.add("sandbox-erp", skus=SKUS)
    with httpx2.Client(timeout=60, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        play, asked = ErpPlay(http, url, random.Random(2)), Counter[str]()
        for _ in range(STEPS):
            play.step()
            now = prices(http, url)
            large = {sku: now[sku, PRICE] for sku, _ in now if now[sku, PRICE] - (10 + int(sku[4:])) * 100 >= 30}
            for sku, amount in asked.items():
                assert large.get(sku) == amount, f"{sku} was changed while it waited"
            asked.update({sku: amount for sku, amount in large.items() if sku not in asked})
    assert 1 <= len(asked) <= 4
