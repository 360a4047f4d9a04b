"""Current values of channels, for the client and for a partner, and the support address of both."""

import re

from canonical.elements import STOCK
from tests.governance.pages.web_app import GovernanceWebApp

ROOT = "/clients/acme"
SUPPORT = re.compile(r'<a href="mailto:([^"]+)">')


async def test_values_are_narrowed_to_a_channel_that_a_connection_page_links_to(busy: GovernanceWebApp) -> None:
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified", "Harbour market": "verified"}, at=5)
    shop, market = (busy.acme.channels[name] for name in ("Web shop", "Harbour market"))
    link = f"{ROOT}/channel/values?channel={shop}"
    assert f'href="{link}"' in (await busy["operator"].get(f"{ROOT}/connections/{shop}")).text
    assert "/channel/values?" not in (await busy["operator"].get(f"{ROOT}/connections/{busy.acme.source}")).text
    page = (await busy["viewer"].get(link)).text
    assert f'<a href="{ROOT}/channel/values" aria-current="page">' in page, "an entry of the client's menu"
    assert re.findall(r'<td data-label="Channel">(.*?)</td>', page) == ["Web shop"]
    assert re.findall(r'<option value="([^"]+)"', page.partition('name="channel"')[2].partition("</select>")[0]) == [
        str(market), str(shop),
    ]  # fmt: skip

    values = f"/api/v1{ROOT}/channel/values?channel="
    [only] = (await busy["viewer"].get(f"{values}{shop}")).json()["items"]
    assert only["connection_id"] == str(shop)
    assert (await busy["partner"].get(f"{values}{shop}")).json()["items"] == [], "another partner's channel"
    assert len((await busy["partner"].get(f"{values}{market}")).json()["items"]) == 1
    assert "Web shop" not in (await busy["partner"].get(link)).text
    assert (await busy["viewer"].get(f"{values}nothing")).json()["items"] == []


async def test_the_catalogue_has_one_row_for_each_product_and_channel(busy: GovernanceWebApp) -> None:
    both = {"Web shop": "verified", "Harbour market": "verified"}
    await busy.acme.change("SKU-1", 1000, 1040, states=both, at=50)
    await busy.acme.change("SKU-1", 7, 9, states=both, at=40, element=STOCK)
    await busy.acme.change("SKU-2", 1000, 1100, states={"Web shop": "pending"}, at=5)
    await busy.borealis.change("SKU-1", 1, 2, states={"Web shop": "verified"}, at=5)
    page = (await busy["viewer"].get(f"{ROOT}/channel/products")).text
    assert f'<a href="{ROOT}/channel/products" aria-current="page">' in page, "an entry of the client's menu"
    assert re.findall(r'<td data-label="Channel">(.*?)</td>', page) == ["Harbour market", "Web shop", "Web shop"]
    assert "Publishing" in page

    api = f"/api/v1{ROOT}/channel/products"
    items = (await busy["viewer"].get(api)).json()["items"]
    shown = [(one["record_key"], one["channel"], one["price"]["amount"], one["stock"], one["state"]) for one in items]
    nine = {"type": "quantity", "amount": "9", "unit": "H87"}
    assert shown == [
        ("SKU-1", "Harbour market", "10.4", nine, "current"),
        ("SKU-1", "Web shop", "10.4", nine, "current"),
        ("SKU-2", "Web shop", "10", None, "publishing"),
    ]
    own = (await busy["partner"].get(api)).json()["items"]
    assert [(one["record_key"], one["channel"]) for one in own] == [("SKU-1", "Harbour market")]
    partners = (await busy["partner"].get(f"{ROOT}/channel/products")).text
    assert "Web shop" not in partners
    assert f'<a href="{ROOT}/channel/products" aria-current="page">Catalogue' in re.sub(r">\s+", ">", partners)
    assert len((await busy["viewer"].get(f"{api}?channel={busy.acme.channels['Web shop']}")).json()["items"]) == 2


async def test_clients_and_partners_see_the_support_address_and_staff_do_not(busy: GovernanceWebApp) -> None:
    for person in ("viewer", "partner"):
        page = (await busy[person].get(f"{ROOT}/channel")).text
        assert SUPPORT.findall(page) == ["support@localhost.localdomain"], person
    assert SUPPORT.findall((await busy["operator"].get(f"{ROOT}/channel/values")).text) == []
