"""Proposals on pages and over the API: the form, its preview, scheduling, and permissions."""

import html
import re
from collections.abc import Mapping
from datetime import timedelta

import httpx
from sqlalchemy import update

from canonical.elements import PRICE
from governance.elements.models import ElementContract
from tests.governance.pages.web_app import GovernanceWebApp
from tests.tenants.conftest import NOW

NEW = "/clients/acme/proposals/new"
LIST = "/clients/acme/proposals"
API = "/api/v1/clients/acme"


async def set_here(app: GovernanceWebApp) -> None:
    """Make people the source of acme's list price."""
    async with app.acme.db.transaction(app.acme.scope) as session:
        own = ElementContract.tenant_id == app.acme.scope.tenant_id
        await session.execute(
            update(ElementContract).where(own, ElementContract.element == PRICE).values(source_connection_id=None)
        )


async def send(app: GovernanceWebApp, form: Mapping[str, str]) -> httpx.Response:
    """Preview the proposal, then send the previewed form."""
    page = await app["approver"].post(NEW, {**form, "act": "preview"}, page=NEW)
    previewed = re.search(r'name="previewed"\s+value="([^"]+)"', page.text)
    assert previewed is not None, page.text
    return await app["approver"].post(NEW, {**form, "act": "send", "previewed": html.unescape(previewed[1])}, page=NEW)


async def test_the_form_says_when_nothing_is_set_by_people(busy: GovernanceWebApp) -> None:
    page = await busy["approver"].get(NEW)
    assert page.status_code == 200, page.text
    assert "Every element has its system" in page.text
    assert (await busy["viewer"].get(NEW)).status_code == 403
    assert "Propose a value" not in (await busy["viewer"].get("/clients/acme/changes")).text


async def test_a_price_is_previewed_then_proposed(busy: GovernanceWebApp) -> None:
    await set_here(busy)
    await busy.acme.change("SKU-1", 1000, 1040, states={"Web shop": "verified"}, currency="USD")
    await busy.acme.cost("SKU-1", 612)
    form = {"choice": f"{PRICE}|", "record_key": "SKU-1", "value": "$19.99", "note": "Winter", "act": "preview"}
    page = (await busy["approver"].post(NEW, form, page=NEW)).text
    for shown in ("What policy would decide", "Needs approval", "Harbour market, Web shop", "19.99", 'value="$19.99"'):
        assert shown in page, shown
    unknown = "No system has reported a value of it."
    assert unknown not in page
    mistyped = (await busy["approver"].post(NEW, form | {"record_key": "SKU 1", "value": "19.99"}, page=NEW)).text
    assert unknown in mistyped
    assert await busy.acme.count("SELECT count(*) FROM change WHERE tenant_id = :t") == 1
    unseen = await busy["approver"].post(NEW, form | {"act": "send"}, page=NEW)
    assert "What policy would decide" in unseen.text, "only what was previewed is sent"
    sent = await send(busy, form)
    assert sent.status_code == 303, sent.text
    assert "/clients/acme/changes/" in sent.headers["location"]
    page = (await busy["approver"].get(sent.headers["location"])).text
    assert "Winter" in page
    assert "Pending approval" in page
    assert (await busy["stranger"].post(NEW, form, page="/clients/borealis/changes")).status_code == 404


async def test_a_wrong_value_keeps_what_was_typed(busy: GovernanceWebApp) -> None:
    await set_here(busy)
    form = {"choice": f"{PRICE}|", "record_key": "SKU-1", "value": "€5", "dim_currency": "usd", "act": "send"}
    page = (await busy["approver"].post(NEW, form, page=NEW)).text
    assert "This price is in USD" in page
    assert 'value="€5"' in page
    page = (await busy["approver"].post(NEW, form | {"value": "5", "dim_currency": "euros"}, page=NEW)).text
    assert "EUROS" in page
    assert await busy.acme.count("SELECT count(*) FROM change WHERE tenant_id = :t") == 0


async def test_a_scheduled_price_is_listed_and_cancelled(busy: GovernanceWebApp) -> None:
    await set_here(busy)
    when = f"{NOW + timedelta(days=2):%Y-%m-%dT%H:%M}"
    form = {"choice": f"{PRICE}|", "record_key": "SKU-7", "value": "5 USD", "dim_currency": "USD", "act": "send"}
    sent = await send(busy, form | {"effective_at": when})
    assert sent.headers["location"].startswith(LIST), sent.text
    page = (await busy["viewer"].get(LIST)).text
    assert "SKU-7" in page
    assert "/cancel" not in page
    listed = (await busy["approver"].get(f"{API}/scheduled-proposals")).json()
    [one] = listed["items"]
    assert (one["record_key"], one["dimension"], one["state"]) == ("SKU-7", "currency=USD", "scheduled")
    assert (await busy["stranger"].get("/api/v1/clients/borealis/scheduled-proposals")).json()["items"] == []
    theirs = f"/api/v1/clients/borealis/scheduled-proposals/{one['id']}"
    assert (await busy["stranger"].get(theirs)).status_code == 404
    assert (await busy["stranger"].call(f"{theirs}/cancel", {}, page="/clients/borealis/changes")).status_code == 404
    gone = await busy["approver"].post(f"{LIST}/{one['id']}/cancel", page=LIST)
    assert gone.status_code == 303
    assert "SKU-7" not in (await busy["viewer"].get(LIST)).text
    assert "Cancelled" in (await busy["viewer"].get(f"{LIST}?status=cancelled")).text


async def test_the_api_previews_and_schedules(busy: GovernanceWebApp) -> None:
    await set_here(busy)
    body = {"record_key": "SKU-1", "element": PRICE, "value": {"type": "money", "amount": "5", "currency": "USD"}}
    found = (await busy["approver"].call(f"{API}/changes/preview", body, page=NEW)).json()
    assert [one["outcome"] for one in found["decisions"]] == ["review"]
    later = body | {"effective_at": (NOW + timedelta(days=1)).isoformat(), "note": "Sale"}
    made = await busy["approver"].call(f"{API}/scheduled-proposals", later, page=NEW)
    assert (made.status_code, made.json()["note"]) == (201, "Sale")
    again = await busy["approver"].call(f"{API}/scheduled-proposals", later, page=NEW)
    assert again.status_code == 409
    for wrong in ({"effective_at": "2026-01-01T00:00:00"}, {"effective_at": "2020-01-01T00:00:00Z"}):
        refused = await busy["approver"].call(f"{API}/scheduled-proposals", later | wrong, page=NEW)
        assert refused.status_code in {400, 422}, refused.text
    assert (await busy["viewer"].call(f"{API}/changes/preview", body, page=LIST)).status_code == 403
