"""Orders: the list, the page of one with its lines, and isolation."""

import re
from urllib.parse import quote

import msgspec

from canonical.elements import ELEMENTS, ORDER_DOCUMENT, ORDER_STATUS
from canonical.orders import cancelled_order
from foundation.redaction import for_one_reader
from governance.orders.lists import ORDERS
from governance.orders.queries import read_order
from governance.orders.states import FulfilmentState
from governance.records.models import RecordValue
from policy.redaction import HIDDEN, hide_elements
from tests.governance.orders.list_samples import put_order
from tests.governance.pages.web_app import GovernanceWebApp

ROOT = "/clients/acme/orders"
ODD = "SO/2 #é?"


def test_every_status_that_a_system_may_report_has_a_label() -> None:
    assert [one.value for one in FulfilmentState][2:] == list(ELEMENTS[ORDER_STATUS].codes)


async def test_orders_are_listed_with_customer_total_and_state(busy: GovernanceWebApp) -> None:
    acme, viewer = busy.acme, busy["viewer"]
    await put_order(acme, "SO-1", status="shipped", at=900, channel="Web shop")
    await put_order(acme, ODD, customer="Grace Hopper", currency="USD", is_released=False, at=60, channel="Web shop")
    page = (await viewer.get(ROOT)).text
    assert f'<a href="{ROOT}" aria-current="page">' in page, "an entry of the client's menu"
    body = page[page.index("<tbody") : page.index("</tbody>")]
    shown = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)) for row in body.split("</tr>")[:2]]
    for text in ("Grace Hopper", "Not passed on", "$57.38", "2 lines", "Web shop"):
        assert text in shown[0], "the newest first"
    for text in ("SO-1", "Ada Lovelace", "Shipped", "€57.38"):
        assert text in shown[1]
    assert "SO-1" not in (await viewer.get(f"{ROOT}?search=grace")).text
    assert "No orders match" in (await viewer.get(f"{ROOT}?status=returned")).text


async def test_an_order_with_any_number_has_a_page_and_an_answer(busy: GovernanceWebApp) -> None:
    await put_order(busy.acme, ODD, channel="Web shop")
    link = f"{ROOT}/order?number={quote(ODD, safe='')}"
    assert link in (await busy["viewer"].get(ROOT)).text
    page = (await busy["viewer"].get(link)).text
    for text in ("Passed on", "Ada Lovelace", "ada@example.com", "€39.98", "€57.38"):
        assert text in page
    found = (await busy["viewer"].get(f"/api/v1{link}")).json()
    assert found["order"]["total"] == {"type": "money", "amount": "57.38", "currency": "EUR"}
    assert [line["sku"] for line in found["content"]["lines"]] == ["SKU-1", "SKU-2"]
    for path in (link, f"/api/v1{link}"):
        assert (await busy["viewer"].get(path.replace(quote(ODD, safe=""), "SO-2"))).status_code == 404
        assert (await busy["viewer"].get(path.replace("acme", "borealis"))).status_code == 404
        assert (await busy["partner"].get(path)).status_code == 403, "a partner sees its channel only"


async def test_a_reader_who_does_not_see_orders_sees_that_there_is_one(busy: GovernanceWebApp) -> None:
    await put_order(busy.acme, "SO-1", status="shipped", channel="Web shop")
    query = ORDERS.query()
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        with for_one_reader():
            hide_elements(frozenset({ORDER_DOCUMENT, ORDER_STATUS}))
            [item] = (await ORDERS.load(session, query, busy.acme.now)).items
            detail = await read_order(session, "SO-1")
            by_name = await ORDERS.load(session, ORDERS.query(search="lovelace"), busy.acme.now)
    assert (item.customer, item.total, item.lines, item.state) == ("", HIDDEN, 0, "released")
    assert detail.content == HIDDEN
    assert by_name.items == []


async def test_a_cancelled_order_says_so_and_has_no_total(busy: GovernanceWebApp) -> None:
    content = msgspec.to_builtins(cancelled_order("EUR"))
    await put_order(busy.acme, "SO-1", status="shipped", channel="Web shop")
    async with busy.acme.db.transaction(busy.acme.scope) as session:
        key = (busy.acme.scope.tenant_id, "SO-1", "order.document", "", "order")
        row = await session.get_one(RecordValue, key)
        row.value = content
    [item] = (await busy["viewer"].get(f"/api/v1{ROOT}")).json()["items"]
    assert (item["state"], item["total"], item["lines"]) == ("cancelled", None, 0)
    assert "This order was cancelled" in (await busy["viewer"].get(f"{ROOT}/order?number=SO-1")).text
