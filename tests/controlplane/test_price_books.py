"""Price books as an editor: each kind of price on its form and over the API, versions by date, markup over cost."""

from decimal import Decimal
from uuid import UUID

import pytest

from billing.price_books.pricing import PriceKind
from billing.price_books.repository import NewPriceBook, create_price_book
from billing.sides import Side
from billing.simulation.run import last_month
from billing.usage.meters import create_meter
from billing.usage.report import report_usage
from billing.usage.schemas import NewMeter, UsageEventInput
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.usage.meters import Meters
from governance.propagation.meters import VERIFIED_DELIVERIES
from tests.billing.conftest import Market, uses
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")
METER = VERIFIED_DELIVERIES.name
API = "/api/v1/price-books"
TIERS = {"up_to_1": "100", "tier_price_1": "0,5", "fee_1": "2", "tier_price_2": "0.25"}
FORMS = [
    {"kind": "per_unit", "unit_price": "0,30", "included": "10", "maximum": "90"},
    {"kind": "graduated", **TIERS},
    {"kind": "volume", **TIERS, "minimum": "5"},
    {"kind": "package", "unit_price": "3", "size": "10"},
    {"kind": "blocks", "size": "10", "up_to_1": "20", "tier_price_1": "3", "tier_price_3": "2"},
    {"kind": "flat", "unit_price": "40"},
    {"kind": "percentage", "rate_pct": "1.5", "per_event": "0.10"},
]


async def create_book(admin: Visit) -> UUID:
    made = await admin.post("/prices/books/new", {"currency": "eur", "name": "Standard", "rounding": "half_up"})
    assert made.status_code == 303, made.text
    [book] = [one for one in (await admin.api("GET", API)).json()["items"] if one["side"] == "retail"]
    return UUID(book["id"])


async def test_every_kind_is_set_on_its_form_and_shown_with_its_versions(
    admin: Visit, msp_setup: MspSetup, env: ClientEnv
) -> None:
    market = Market(env.services.db, env.msp_account, env.scope, now=utc_now())
    await market.open_book(Side.WHOLESALE)
    await market.price(Side.WHOLESALE, "0.20", at=market.now, meter=METER)
    page = f"/prices/books/{await create_book(admin)}"
    for number, form in enumerate(FORMS):
        shown = await admin.get(f"{page}/new?kind={form['kind']}")
        assert {f'name="{name}"' in shown.text for name in form if name != "kind"} == {True}, form
        day = {"valid_from": f"21{number:02}-01-01"} if number else {}
        made = await admin.post(f"{page}/new", {"meter": METER, **form, **day})
        assert made.status_code == 303, made.text
    found = (await admin.api("GET", page.replace("/prices/books", API))).json()
    kinds = [one["price"]["terms"]["kind"] for one in found["prices"]]
    assert kinds == [form["kind"] for form in reversed(FORMS)]
    assert {*kinds, PriceKind.MATRIX.value} == {kind.value for kind in PriceKind}
    assert [one["validity"] for one in found["prices"]] == ["later"] * 6 + ["in_force"]
    assert (found["prices"][-1]["markup_pct"], found["prices"][0]["markup_pct"]) == ("50.0", None)
    text = (await admin.get(page)).text
    for part in ("50.0%", "0.2", "1.5%", "€3.00 for each 10 units", "in force", "at least"):
        assert part in text, part
    again = (await admin.get(f"{page}/new?meter={METER}")).text
    assert 'value="0.3"' in again  # the price in force fills in the form


WRONG: list[tuple[dict[str, str], str]] = [
    ({"kind": "per_unit", "unit_price": "cheap"}, "unit_price"),
    ({"kind": "per_unit"}, "unit_price"),
    ({"kind": "package", "unit_price": "1"}, "size"),
    ({"kind": "nothing"}, "kind"),
    ({"kind": "per_unit", "unit_price": "1", "minimum": "3", "maximum": "2"}, "minimum"),
    ({"kind": "volume", "up_to_1": "5"}, "tier_price_1"),
    ({"kind": "per_unit", "unit_price": "1", "valid_from": "2026-13-01"}, "valid_from"),
    ({"kind": "per_unit", "unit_price": "1", "meter": "nothing"}, "meter"),
]


async def test_errors_are_shown_at_their_fields(admin: Visit) -> None:
    page = f"/prices/books/{await create_book(admin)}"
    for form, field in WRONG:
        refused = await admin.post(f"{page}/new", {"meter": METER, **form})
        assert (refused.status_code, f'id="f-{field}-error"' in refused.text) == (422, True), form
    without = await admin.post(f"{page}/new", {"meter": METER, "kind": "graduated"})
    assert (without.status_code, "at least one tier" in without.text) == (422, True)
    assert (await admin.get(f"{page}/new?kind=nothing")).status_code == 422
    assert (await admin.api("GET", page.replace("/prices/books", API))).json()["prices"] == []


async def test_a_client_gets_a_book_of_its_own_over_the_api(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, other_env: ClientEnv
) -> None:
    made = await admin.api("POST", API, {"client": msp_setup.slug, "currency": "EUR", "rounding": "half_even"})
    assert made.status_code == 201, made.text
    address = f"{API}/{made.json()['id']}"
    tiers = [{"up_to": "10", "unit_price": "1"}, {"up_to": None, "unit_price": "0.5", "flat": "3"}]
    price = {"meter": METER, "kind": "volume", "tiers": tiers}
    assert (await admin.api("POST", f"{address}/prices", price)).status_code == 201
    found = (await admin.api("GET", address)).json()
    assert found["book"]["rules"] == {"rounding": "half_even"}
    assert found["prices"][0]["price"]["terms"]["tiers"][1]["flat"] == "3"
    for wrong, status in (({"client": "nobody", "currency": "EUR"}, 404), ({"currency": "EUX"}, 422)):
        assert (await admin.api("POST", API, wrong)).status_code == status
    missing = await admin.api("POST", f"{address}/prices", {"meter": METER})
    assert (missing.status_code, missing.json()["field"]) == (422, "unit_price")
    unknown = await admin.post("/prices/books/new", {"client": "nobody", "currency": "EUR"})
    assert 'id="f-client-error"' in unknown.text
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    assert (await foreign.api("GET", address)).status_code == 404
    assert (await foreign.api("POST", f"{address}/prices", price)).status_code == 404
    assert (await foreign.get(address.replace("/api/v1/price-books", "/prices/books"))).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.get("/prices/books")).status_code in {403, 404}


async def test_wholesale_prices_are_the_operators(admin: Visit, env: ClientEnv) -> None:
    async with env.services.db.transaction(env.msp_account) as session:
        wholesale = NewPriceBook(Side.WHOLESALE, "EUR", "Wholesale")
        book_id = await create_price_book(session, wholesale, now=utc_now(), new_id=new_id)
    refused = await admin.api("POST", f"{API}/{book_id}/prices", {"meter": METER, "unit_price": "0"})
    assert (refused.status_code, refused.json()["detail"]) == (403, "The operator sets wholesale prices.")
    assert "The operator sets wholesale prices" in (await admin.get(f"/prices/books/{book_id}")).text


async def test_a_price_is_tried_out_on_last_months_usage(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    now = utc_now()
    start = last_month(now).start
    market = Market(env.services.db, env.msp_account, env.scope, now=start)
    book_id = await market.open_book(Side.RETAIL)
    await market.price(Side.RETAIL, "0.10", at=start, meter=METER)
    await market.use(*uses(30, at=start, meter=METER))
    page, api = f"/prices/books/{book_id}/simulation", f"{API}/{book_id}/simulations"
    assert "Change of all prices in percent" in (await admin.get(page)).text
    draft = {"kind": "package", "unit_price": "2", "size": "10", "meter": METER}
    shown = await admin.post(page, {**draft, "month": f"{start:%Y-%m}", "client": msp_setup.slug})
    assert shown.status_code == 200, shown.text
    for part in (
        "€2.00 for each 10 units",
        "3.00",
        "6.00",
        "100.0%",
        "Set this price",
        'value="package"',
    ):
        assert part in shown.text, part
    for wrong, field in (({"change_pct": "x"}, "change_pct"), ({"change_pct": "5000"}, "change_pct"),
                         ({"month": "2026-13"}, "month"), ({"client": "nobody"}, "client")):  # fmt: skip
        refused = await admin.post(page, wrong)
        assert (refused.status_code, f'id="f-{field}-error"' in refused.text) == (422, True), wrong
    body = {"prices": [draft], "change_pct": "5"}
    found = (await admin.api("POST", api, body)).json()
    assert (found["old_minor"], found["new_minor"], found["difference"]) == (300, 600, 300)
    assert [one["meter"] for one in found["by_meter"]] == [METER]
    assert [one["client_id"] for one in found["by_client"]] == [str(env.scope.tenant_id)]
    kept = (await admin.api("GET", f"{API}/{book_id}")).json()["prices"]
    assert [one["price"]["terms"]["kind"] for one in kept] == ["per_unit"]
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    assert (await foreign.api("POST", api, body)).status_code == 404
    assert (await foreign.get(page)).status_code == (await foreign.post(page, draft)).status_code == 404


CELLS = {
    "kind": "matrix", "meter": "calls", "unit_price": "0.1", "dimension_1": "region", "dimension_2": "size",
    "value_1_1": "eu", "cell_price_1": "0,5", "value_1_2": "eu", "value_2_2": "large", "cell_price_2": "2",
}  # fmt: skip


async def test_a_price_by_dimension_is_set_tried_out_and_opened_to_the_events_of_a_cell(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    now = utc_now()
    period = last_month(now)
    market = Market(env.services.db, env.msp_account, env.scope, now=period.start)
    book_id = await market.open_book(Side.RETAIL)
    async with market.as_msp_account() as session:
        await create_meter(session, Meters([]), NewMeter("calls", "Calls", "calls"), now=now)
    events = [
        UsageEventInput(id=str(place), meter="calls", occurred_at=period.start, quantity=Decimal(4), dimensions=dims)
        for place, dims in enumerate([{"region": "eu"}, {"region": "eu", "size": "large"}, {"size": "large"}])
    ]
    async with market.as_client() as session:
        await report_usage(session, "probe", events, now=now, new_id=new_id)
    page = f"/prices/books/{book_id}"
    shown = (await admin.get(f"{page}/new?kind=matrix&meter=calls")).text
    assert {f'name="{name}"' in shown for name in CELLS if name != "kind"} == {True}
    tried = await admin.post(f"{page}/simulation", {**CELLS, "month": f"{period.start:%Y-%m}"})
    for part in ("region = eu, size = large: €2.00", "all others: €0.10", "10.40", 'name="value_2_2"'):
        assert part in tried.text, part
    for wrong, field in (
        ({"cell_price_2": ""}, "cell_price_2"), ({"dimension_1": ""}, "dimension_1"), ({"value_1_1": ""}, "value_1_1"),
        ({"meter": METER}, "meter"),
    ):  # fmt: skip
        refused = await admin.post(f"{page}/new", {**CELLS, **wrong})
        assert (refused.status_code, f'id="f-{field}-error"' in refused.text) == (422, True), wrong
    made = await admin.post(f"{page}/new", {**CELLS, "valid_from": f"{period.start:%Y-%m-%d}"})
    assert made.status_code == 303, made.text
    book_page = (await admin.get(page)).text
    for part in ("by region, size", "region = eu: €0.50", "all others: €0.10"):
        assert part in book_page, part
    market.now = now
    draft = await market.rate(Side.RETAIL, period)
    assert draft is not None
    address = f"/clients/{msp_setup.slug}/invoices/{draft.id}"
    line = (await admin.api("GET", f"/api/v1{address}")).json()["lines"][0]
    assert line["amount_minor"] == 1040
    line_page = f"{address}/lines/{line['id']}"
    found = (await admin.api("GET", f"/api/v1{line_page}/cells")).json()
    assert [(one["cell"], Decimal(one["quantity"]), Decimal(one["amount"])) for one in found] == [
        ("1", Decimal(4), Decimal(2)), ("2", Decimal(4), Decimal(8)), ("rest", Decimal(4), Decimal("0.4"))
    ]  # fmt: skip
    opened = (await admin.get(f"{line_page}?cell=2")).text
    for part in (f'href="{line_page}?cell=2#events"', "Those of region = eu, size = large", "Show all events"):
        assert part in opened, part
    assert len((await admin.api("GET", f"/api/v1{line_page}/events?cell=2")).json()["items"]) == 1
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    assert (await foreign.api("GET", f"/api/v1{line_page}/cells")).status_code == 404
    body = {"meter": "calls", "kind": "matrix", "unit_price": "1", "cells": [{"dims": {"a": "b"}, "unit_price": "2"}]}
    assert (await admin.api("POST", f"{API}/{book_id}/prices", body)).status_code == 201


async def test_unit_costs_are_set_on_the_page_and_over_the_api(
    web_app: WebApp, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    book_id = await create_book(admin)
    page, api = f"/prices/books/{book_id}", f"{API}/{book_id}/unit-costs"
    for wrong, field in (({"unit_cost": ""}, "unit_cost"), ({"month": "2026-13"}, "month"), ({"meter": "x"}, "meter")):
        refused = await admin.post(f"{page}/unit-costs", {"meter": METER, "unit_cost": "1", "month": "", **wrong})
        assert (refused.status_code, f'id="f-{field}-error"' in refused.text) == (422, True), wrong
    made = await admin.post(f"{page}/unit-costs", {"meter": METER, "unit_cost": "0,02", "month": "2026-02"})
    assert made.status_code == 303, made.text
    assert (await admin.api("POST", api, {"meter": METER, "unit_cost": "0.03"})).status_code == 201
    shown = (await admin.get(page)).text
    for part in ("€0.02", "€0.03", "2026-02", "Set unit cost"):
        assert part in shown, part
    costs = (await admin.api("GET", f"{API}/{book_id}")).json()["unit_costs"]
    assert [(one["month"], Decimal(one["unit_cost"])) for one in costs] == [
        (f"{utc_now():%Y-%m}", Decimal("0.03")), ("2026-02", Decimal("0.02")),
    ]  # fmt: skip
    market = Market(env.services.db, env.msp_account, env.scope, now=utc_now())
    wholesale = await market.open_book(Side.WHOLESALE)
    body = {"meter": METER, "unit_cost": "1"}
    assert (await admin.api("POST", f"{API}/{wholesale}/unit-costs", body)).status_code == 404
    other = await set_up_msp(other_env, name="Other Harbour")
    foreign = await web_app.signed_in(other.host, other.admin)
    assert (await foreign.api("POST", api, body)).status_code == 404
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", api, body)).status_code in {403, 404}
