"""Closing of a client's draft: permissions, time and repetition, over the API and on the page."""

import httpx
from sqlalchemy import text

from billing.sides import Side
from tests.billing.test_pages import BillingWebApp, web_app  # noqa: F401 - the fixture
from tests.tenants.conftest import (  # noqa: F401 - fixtures
    Ticking,
    auth,
    clock,
    passwords,
    sessions,
    throttle,
)

_FORTY_DAYS = 40 * 86400


async def post(web_app: BillingWebApp, reader: str, path: str) -> httpx.Response:  # noqa: F811
    headers = {"authorization": f"Bearer {web_app.keys[reader]}"}
    return await web_app.http.post(f"https://{web_app.host}{path}", headers=headers)


async def states(web_app: BillingWebApp) -> set[tuple[str, str]]:  # noqa: F811
    async with web_app.market.as_staff() as session:
        rows = await session.execute(text("SELECT side, state FROM invoice WHERE tenant_id <> msp_id"))
        return {(row.side, row.state) for row in rows}


async def test_a_draft_is_closed_once_after_its_month(web_app: BillingWebApp, clock: Ticking) -> None:  # noqa: F811
    retail = web_app.drafts[Side.RETAIL]
    page, api = f"/clients/acme/invoices/{retail.id}", f"/api/v1/clients/acme/invoices/{retail.id}/closure"
    early = await post(web_app, "staff", f"{page}/close")
    assert (early.status_code, "not over yet" in early.text) == (409, True)
    assert "Finalise invoice" not in (await web_app.get("staff", page)).text
    clock.forward(seconds=_FORTY_DAYS)
    for shown in (page, f"/invoices/{retail.id}"):
        assert f"{page}/close" in (await web_app.get("staff", shown)).text
    assert "Finalise invoice" not in (await web_app.get("acme", page)).text
    closed = await post(web_app, "staff", api)
    assert (closed.status_code, closed.json()["invoice"]["state"]) == (200, "finalised")
    assert closed.json()["invoice"]["total_minor"] == retail.total_minor
    for shown in (page, f"/invoices/{retail.id}"):
        assert "Finalise invoice" not in (await web_app.get("staff", shown)).text
    again = await post(web_app, "staff", f"{page}/close")
    assert (again.status_code, "was closed" in again.text) == (409, True)
    assert await states(web_app) == {("retail", "finalised"), ("retail", "draft"), ("wholesale", "draft")}
    async with web_app.market.as_client() as session:
        noted = text("SELECT subject FROM audit_entry WHERE tenant_id = :t AND action = 'invoice.closed'")
        entries = list(await session.scalars(noted, {"t": web_app.market.client.tenant_id}))
    assert entries == [f"invoice:{retail.id}"]


async def test_the_page_closes_the_invoice_and_redirects_back(web_app: BillingWebApp, clock: Ticking) -> None:  # noqa: F811
    clock.forward(seconds=_FORTY_DAYS)
    page = f"/clients/acme/invoices/{web_app.drafts[Side.RETAIL].id}"
    done = await post(web_app, "staff", f"{page}/close")
    assert (done.status_code, done.headers["location"]) == (303, page)
    assert "Finalised" in (await web_app.get("acme", page)).text


async def test_only_retail_raters_close_an_invoice_and_no_member_a_wholesale_one(
    web_app: BillingWebApp,  # noqa: F811
    clock: Ticking,  # noqa: F811
) -> None:
    clock.forward(seconds=_FORTY_DAYS)
    retail, wholesale = web_app.drafts[Side.RETAIL], web_app.drafts[Side.WHOLESALE]
    for reader, client, invoice, status in (
        ("acme", "acme", retail, 403),
        ("operator", "acme", retail, 403),
        ("borealis", "acme", retail, 404),
        ("staff", "borealis", retail, 404),
        ("staff", "acme", wholesale, 404),
        ("staff", "acme", web_app.whole, 404),
    ):
        for path in (
            f"/clients/{client}/invoices/{invoice.id}/close",
            f"/api/v1/clients/{client}/invoices/{invoice.id}/closure",
        ):
            assert (await post(web_app, reader, path)).status_code == status, (reader, path)
    assert await states(web_app) == {("retail", "draft"), ("wholesale", "draft")}
