"""Invoices in the web application: visibility of each side, on pages and over the API."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar, Request, Response
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template.config import TemplateConfig
from sqlalchemy.ext.asyncio import AsyncSession

import billing
from billing.documents.pages import DOCUMENT_PAGES
from billing.documents.routes import DOCUMENT_ROUTES
from billing.invoices.draft import DraftInvoice, draft_wholesale
from billing.pages import PAGES
from billing.rating_runs import record_rating
from billing.routes import ROUTES
from billing.sides import Side
from billing.usage.pages import provide_meters
from branding.client_brands import set_parts
from branding.client_parts import ClientBrandParts
from branding.directory import BrandDirectory
from branding.environment import build_environment
from controlplane.rooms import ROOMS
from controlplane.web.access import provide_access
from foundation.errors import DomainError
from foundation.ids import new_id
from foundation.marks import NN_
from foundation.usage.meters import Meter, Meters, UsageDescription
from foundation.web.problems import problem
from policy.packaged import system_rules
from policy.publishing import publish_rules
from policy.rules import Effect
from tenants.auth.services import AuthServices
from tests.billing.conftest import MARCH, METER, Market, uses
from tests.tenants.auth.test_api_keys import make_key
from tests.tenants.conftest import (  # noqa: F401 - fixtures
    Tenant,
    auth,
    clock,
    make_client,
    make_msp,
    passwords,
    sessions,
    throttle,
)
from tests.tenants.web_app import give_host, visiting


async def _no_usage(session: AsyncSession, client_id: UUID, events: Sequence[UUID]) -> dict[UUID, UsageDescription]:
    """A describer that describes no event."""
    return {
        one: UsageDescription("SKU <1>", f"{METER} of {client_id}", "Web & shop", f"/changes/{one}")
        for one in events[1:]
    }


METERS = Meters(
    [
        Meter(
            name=METER,
            unit=NN_("{number} delivery", "{number} deliveries"),
            label="Updates",
            permission="change:read",
            describe=_no_usage,
        )
    ]
)
_EVENT = r'<td data-label="Event">\s*<span[^>]*>([0-9a-f-]{36})'
WHOLESALE_ONLY = ("wholesale", "margin", "0.03")


@dataclass
class BillingWebApp:
    """One brand's host, two clients with rated usage in March, and an API key for each kind of reader."""

    http: httpx.AsyncClient
    host: str
    market: Market
    drafts: dict[Side, DraftInvoice]
    whole: DraftInvoice
    keys: dict[str, str]

    async def get(self, reader: str, path: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.keys[reader]}"}
        return await self.http.get(f"https://{self.host}{path}", headers=headers)

    async def line_of(self, draft: DraftInvoice) -> str:
        detail = (await self.get("staff", f"/api/v1/invoices/{draft.id}")).json()
        return str(detail["lines"][0]["id"])


@pytest.fixture
async def web_app(auth: AuthServices) -> AsyncIterator[BillingWebApp]:  # noqa: F811 - the fixture
    msp = await make_msp(auth.db)
    tenants = [await make_client(auth.db, msp, slug) for slug in ("acme", "borealis")]
    other_msp = await make_msp(auth.db)
    markets = [Market(auth.db, msp.scope, tenant.scope) for tenant in tenants]
    drafts, whole = await _bill(markets)
    readers = {"acme": tenants[0], "borealis": tenants[1]}
    keys = {name: (await make_key(auth, tenant, "client_viewer"))[1] for name, tenant in readers.items()}
    keys["staff"] = (await make_key(auth, msp, "msp_admin"))[1]
    keys["operator"] = (await make_key(auth, msp, "msp_operator"))[1]
    keys["machine"] = (await make_key(auth, tenants[0], "machine"))[1]
    host, other_host = f"{new_id().hex}.example", f"{new_id().hex}.example"
    await give_host(auth.db, msp, host)
    await give_host(auth.db, other_msp, other_host)
    async with visiting(_site(auth)) as http:
        yield BillingWebApp(http, host, markets[0], drafts, whole, keys)


async def _bill(markets: list[Market]) -> tuple[dict[Side, DraftInvoice], DraftInvoice]:
    first = markets[0]
    for side, price, included in ((Side.WHOLESALE, "0.03", 0), (Side.RETAIL, "0.10", 5)):
        await first.open_book(side)
        await first.price(side, price, included=included)
    drafts: dict[Side, DraftInvoice] = {}
    for market, count in zip(markets, (120, 7), strict=True):
        await market.use(*uses(count))
        for side in Side:
            draft = await market.rate(side)
            assert draft is not None
            drafts.setdefault(side, draft)
    async with first.as_msp_account() as session:
        whole = await draft_wholesale(session, period=MARCH, now=first.now)
    assert whole is not None
    return drafts, whole


def _site(auth: AuthServices) -> Litestar:  # noqa: F811
    brands = BrandDirectory(auth.db, auth.clock)
    environment = build_environment({"billing": Path(billing.__file__).parent}, static_url=lambda name: name)
    services: Any = SimpleNamespace(db=auth.db, auth=auth, vault=None, rooms=ROOMS)
    return Litestar(
        route_handlers=[*PAGES, *ROUTES, *DOCUMENT_PAGES, *DOCUMENT_ROUTES],
        dependencies={"access": provide_access(services, brands), **provide_meters(METERS)},
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment)),
        exception_handlers={DomainError: _refuse},
        openapi_config=None,
        logging_config=None,
    )


def _refuse(_: Request[Any, Any, Any], error: DomainError) -> Response[dict[str, Any]]:
    return Response(problem(error, ""), status_code=int(error.status))


async def test_a_client_is_shown_its_retail_and_no_trace_of_wholesale(web_app: BillingWebApp) -> None:
    retail = web_app.drafts[Side.RETAIL]
    line = await web_app.line_of(retail)
    for path in (
        "/clients/acme/invoices",
        f"/clients/acme/invoices/{retail.id}",
        f"/clients/acme/invoices/{retail.id}/lines/{line}",
        "/api/v1/clients/acme/invoices",
        f"/api/v1/clients/acme/invoices/{retail.id}",
        f"/api/v1/clients/acme/invoices/{retail.id}/lines/{line}/events",
    ):
        answer = await web_app.get("acme", path)
        assert answer.status_code == 200, answer.text
        assert not [word for word in WHOLESALE_ONLY if word in answer.text.lower()]
        assert "borealis" not in answer.text.lower()
    assert "11.50" in (await web_app.get("acme", f"/clients/acme/invoices/{retail.id}")).text


async def test_staff_are_shown_both_sides_and_the_margin(web_app: BillingWebApp) -> None:
    listed = await web_app.get("staff", "/invoices")
    assert listed.status_code == 200, listed.text
    assert [name in listed.text for name in ("Acme", "Borealis", "wholesale")] == [True] * 3
    page = await web_app.get("staff", f"/invoices/{web_app.drafts[Side.RETAIL].id}")
    assert page.status_code == 200, page.text
    for shown in ("Margin", "11.50", "3.60", "7.90", "68.7%"):
        assert shown in page.text
    whole = await web_app.get("staff", f"/invoices/{web_app.whole.id}")
    assert whole.status_code == 200, whole.text
    assert [name in whole.text for name in ("Acme", "Borealis", "3.81")] == [True] * 3


async def test_staff_see_the_clients_figures_on_the_clients_pages(web_app: BillingWebApp) -> None:
    retail = web_app.drafts[Side.RETAIL]
    answer = await web_app.get("staff", f"/clients/acme/invoices/{retail.id}")
    assert answer.status_code == 200
    assert not [word for word in WHOLESALE_ONLY if word in answer.text.lower()]


async def test_the_msp_issues_invoices_also_where_the_client_has_a_name_of_its_own(web_app: BillingWebApp) -> None:
    async with web_app.market.as_client() as session:
        await set_parts(session, ClientBrandParts(name="Acme Portal"), now=web_app.market.now)
    page = (await web_app.get("acme", f"/clients/acme/invoices/{web_app.drafts[Side.RETAIL].id}")).text
    assert "Acme Portal</title>" in page
    assert f"Invoice from Brand of {web_app.host} to" in page


async def test_invoices_of_others_answer_404(web_app: BillingWebApp) -> None:
    retail, wholesale = web_app.drafts[Side.RETAIL], web_app.drafts[Side.WHOLESALE]
    lines = {side: await web_app.line_of(draft) for side, draft in web_app.drafts.items()}
    for reader, path in (
        ("acme", "/invoices"),
        ("acme", "/invoices/reconciliation"),
        ("acme", f"/invoices/{retail.id}"),
        ("acme", f"/clients/acme/invoices/{wholesale.id}"),
        ("acme", f"/clients/acme/invoices/{web_app.whole.id}"),
        ("acme", f"/clients/acme/invoices/{wholesale.id}/lines/{lines[Side.WHOLESALE]}"),
        ("acme", f"/clients/acme/invoices/{retail.id}/lines/{lines[Side.WHOLESALE]}"),
        ("borealis", f"/clients/borealis/invoices/{retail.id}"),
        ("borealis", f"/clients/borealis/invoices/{retail.id}/lines/{lines[Side.RETAIL]}"),
        ("borealis", "/clients/acme/invoices"),
        ("staff", f"/invoices/{new_id()}"),
        ("staff", f"/invoices/{retail.id}/lines/{lines[Side.WHOLESALE]}"),
    ):
        assert (await web_app.get(reader, path)).status_code == 404, (reader, path)
        if "reconciliation" not in path:
            api = f"/api/v1{path}/events" if "/lines/" in path else f"/api/v1{path}"
            assert (await web_app.get(reader, api)).status_code == 404, (reader, api)


async def test_without_the_permission_it_is_refused(web_app: BillingWebApp) -> None:
    assert (await web_app.get("machine", "/clients/acme/invoices")).status_code == 403
    assert (await web_app.get("machine", "/api/v1/clients/acme/invoices")).status_code == 403
    assert (await web_app.get("operator", "/invoices/reconciliation")).status_code == 403


@pytest.mark.parametrize("side", Side)
async def test_pages_of_a_line_list_all_its_events(web_app: BillingWebApp, side: Side) -> None:
    draft = web_app.drafts[side]
    line = await web_app.line_of(draft)
    path, seen = f"/invoices/{draft.id}/lines/{line}", set[str]()
    for _ in range(3):
        page = (await web_app.get("staff", path)).text
        seen |= set(re.findall(_EVENT, page))
        following = re.search(r'href="([^"]+\?cursor=[^"]+)"\s+rel="next"', page)
        path = following[1] if following else ""
    assert path == ""
    assert len(seen) == 120


async def test_quantities_are_in_the_unit_of_their_meter(web_app: BillingWebApp) -> None:
    draft = web_app.drafts[Side.RETAIL]
    for path in (f"/invoices/{draft.id}", f"/invoices/{draft.id}/lines/{await web_app.line_of(draft)}"):
        assert "120 deliveries" in (await web_app.get("staff", path)).text
    assert (METERS.write_quantity(METER, 1), METERS.write_quantity("of.another.release", 1_200)) == (
        "1 delivery",
        "1,200",
    )


_RECORD = re.compile(r'<a href="/clients/acme/changes/([0-9a-f-]{36})">SKU &lt;1&gt;</a>\s*<small>([^<]*)</small>')


@pytest.mark.parametrize(("reader", "root"), [("acme", "/clients/acme/invoices"), ("staff", "/invoices")])
async def test_a_line_shows_record_and_channel_of_each_event(web_app: BillingWebApp, reader: str, root: str) -> None:
    draft = web_app.drafts[Side.RETAIL]
    page = (await web_app.get(reader, f"{root}/{draft.id}/lines/{await web_app.line_of(draft)}")).text
    events = re.findall(_EVENT, page)
    assert len(events) == 50
    records = _RECORD.findall(page)
    assert [change for change, _ in records] == events[1:], (
        "each stands beside its event; of the first nothing is known"
    )
    assert {what for _, what in records} == {f"{METER} of {web_app.market.client.tenant_id}"}
    assert page.count("Web &amp; shop") == 49


async def test_without_the_permission_a_line_shows_no_changes(web_app: BillingWebApp, auth: AuthServices) -> None:  # noqa: F811
    scope = web_app.market.client
    (allowed,) = (rule for rule in system_rules() if rule.id == "client_viewer:change:read")
    rules = [replace(allowed, id="viewers-see-no-changes", dom=str(scope.tenant_id), effect=Effect.DENY)]
    async with auth.db.transaction(scope) as session:
        await publish_rules(session, scope, rules=rules, clock=auth.clock, new_id=new_id)
    draft = web_app.drafts[Side.RETAIL]
    answer = await web_app.get("acme", f"/clients/acme/invoices/{draft.id}/lines/{await web_app.line_of(draft)}")
    assert (answer.status_code, "SKU" in answer.text, "Record" in answer.text) == (200, False, False)
    assert len(re.findall(r'<td data-label="Event"', answer.text)) == 50


async def test_the_api_lists_all_events_of_a_line(web_app: BillingWebApp) -> None:
    draft = web_app.drafts[Side.RETAIL]
    path = f"/api/v1/clients/acme/invoices/{draft.id}/lines/{await web_app.line_of(draft)}/events?limit=50"
    seen: list[UUID] = []
    after = ""
    while after is not None:
        found = (await web_app.get("acme", path + (f"&cursor={after}" if after else ""))).json()
        seen += [UUID(event["id"]) for event in found["items"]]
        after = found["next_cursor"]
    assert len(seen) == len(set(seen)) == 120
    assert (await web_app.get("acme", path.replace("limit=50", "limit=0"))).status_code == 422


async def test_reconciliation_lists_unpriced_meters_with_their_first_day(web_app: BillingWebApp) -> None:
    await web_app.market.use(*uses(3, meter="copilot.answer"))
    shown = await web_app.get("staff", "/invoices/reconciliation?month=2026-03")
    assert shown.status_code == 200, shown.text
    assert "Copilot answer" in shown.text
    assert "Usage without a price" in shown.text
    assert re.search(r"3 for 1\s*d", shown.text)
    empty = await web_app.get("staff", "/invoices/reconciliation?month=2025-12")
    assert "Nothing was metered" in empty.text
    assert (await web_app.get("staff", "/invoices/reconciliation?month=2026-13")).status_code == 422


async def test_reconciliation_counts_unrated_usage_and_shows_empty_months_as_no_usage(web_app: BillingWebApp) -> None:
    """A tick means that every event is on a line of both sides. Each page shows the times of the last and the next
    rating.
    """
    await web_app.market.use(*uses(276))
    shown = (await web_app.get("staff", "/invoices/reconciliation?month=2026-03")).text
    waiting = re.search(r"(\d+) of (\d+) events are not rated yet", shown)
    assert waiting is not None
    assert int(waiting[1]) == 276
    assert int(waiting[2]) > 276
    assert "Reconciled" not in shown
    empty = (await web_app.get("staff", "/invoices/reconciliation?month=2025-12")).text
    assert "No usage" in empty
    assert "Reconciled" not in empty
    assert "notice is-ok" not in empty


async def test_pages_show_the_time_of_the_last_and_next_rating(web_app: BillingWebApp) -> None:
    assert "Usage has not been rated yet" in (await web_app.get("staff", "/invoices")).text
    now = web_app.market.now
    async with web_app.market.as_client() as session:
        await record_rating(session, now=now, next_at=now + timedelta(minutes=15))
    for reader, path in (("staff", "/invoices"), ("staff", "/invoices/reconciliation"),
                         ("acme", "/clients/acme/invoices")):  # fmt: skip
        page = (await web_app.get(reader, path)).text
        assert "As of" in page
        assert "ating run" in page


async def test_a_client_without_invoices_sees_an_empty_state(web_app: BillingWebApp, auth: AuthServices) -> None:  # noqa: F811
    tenant = await make_client(auth.db, Tenant(web_app.market.msp_account, ""), "cypress")
    _, web_app.keys["cypress"] = await make_key(auth, tenant, "client_viewer")
    assert "No invoices yet" in (await web_app.get("cypress", "/clients/cypress/invoices")).text
