"""Links to a record's changes: exactly that record, for all characters of its key."""

import re
from html import unescape
from urllib.parse import quote

import pytest

from tests.governance.pages.web_app import GovernanceWebApp

LIST = "/clients/acme/changes"
KEYS = [
    "SKU-001", "SKU-001 ", " SKU-001", "SKU-001*", "*", "sku-001", "SKU%2D001", "SKU-001%20", "a/b", "../SKU-001",
    'quote"\'s', "a&record=SKU-001", "a#b", "a?b", "a+b", "a b", "\u00fc", "u\u0308", "SKU-\u202e1", "\u05d0-1",
    "\N{GRINNING FACE}", "_", "SKU_001", ":", "record:x", "\u3000", "\\",
]  # fmt: skip


@pytest.fixture
async def keyed(busy: GovernanceWebApp) -> dict[str, str]:
    """Address of each change's page by key; the change is found by its value."""
    made = {}
    for number, key in enumerate(KEYS):
        change = await busy.acme.change(key, 1000, 2000 + number, at=100 + number, is_current=False)
        made[key] = f"{LIST}/{change}"
    return made


async def test_the_link_of_a_record_leads_to_its_changes_alone(busy: GovernanceWebApp, keyed: dict[str, str]) -> None:
    for number, (key, address) in enumerate(keyed.items()):
        page = (await busy["viewer"].get(address)).text
        link = re.search(rf'href="({LIST}\?key=[^"]*)"', page)
        assert link is not None, key
        found = await busy["viewer"].get(unescape(link[1]))
        ids = re.findall(r'id="c-([0-9a-f-]{36})"', found.text)
        assert ids == [address.rsplit("/", 1)[1]], repr(key)
        assert f"{20 + number // 100}.{number % 100:02}" in found.text


async def test_the_api_and_paging_are_exact_too(busy: GovernanceWebApp, keyed: dict[str, str]) -> None:
    for key, address in keyed.items():
        found = (await busy["viewer"].get(f"/api/v1/clients/acme/changes?key={quote(key)}")).json()["items"]
        assert [item["id"] for item in found] == [address.rsplit("/", 1)[1]], repr(key)
    for number in range(40):
        await busy.acme.change("SKU-001 ", 1000, 1040, at=1000 + number, is_current=False)
    page = (await busy["viewer"].get(f"{LIST}?key={quote('SKU-001 ')}")).text
    following = re.search(rf'href="({LIST}\?[^"]*cursor=[^"]+)"\s+rel="next"', page)
    assert following is not None
    rest = (await busy["viewer"].get(unescape(following[1]))).text
    seen = len(re.findall(r'id="c-', page)) + len(re.findall(r'id="c-', rest))
    assert seen == 41


async def test_an_audit_subject_is_exact(busy: GovernanceWebApp) -> None:
    for key, cost in (("SKU-001", 611), ("SKU-001 ", 622)):
        await busy.acme.cost(key, cost)
    page = (await busy["admin"].get(f"{LIST}?key={quote('SKU-001 ')}")).text
    assert "6.22" in page
    assert "6.11" not in page
    assert "subject=record:SKU-001%20" in page
    audit = await busy["admin"].get(f"/clients/acme/audit?subject={quote('record:SKU-001 ')}")
    assert audit.status_code == 200
