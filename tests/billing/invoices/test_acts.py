"""A finalised invoice on its page and over the API: payments, credit notes and acts, with permissions."""

import hashlib
import re
from decimal import Decimal

from billing.documents.store import store_documents, write_documents
from billing.invoices.repository import find_snapshot
from billing.jobs import rate_client
from billing.legal_entities.repository import add_tax_rate, set_billing_details, set_legal_entity
from billing.legal_entities.schemas import BillingDetailsInput, LegalEntityInput, TaxRateInput
from billing.sides import Side
from foundation.ids import new_id
from tenants.preferences.set_preferences import Preferences, set_account_preferences
from tests.billing.conftest import uses
from tests.billing.invoices.test_close import post
from tests.billing.test_pages import BillingWebApp, web_app  # noqa: F401 - the fixture
from tests.tenants.conftest import (  # noqa: F401 - fixtures
    Ticking,
    auth,
    clock,
    passwords,
    sessions,
    throttle,
)

_ADDRESS = ("Kai 1", "20457", "Hamburg", "DE")


async def _enter(web_app: BillingWebApp, now: Ticking) -> None:  # noqa: F811
    street, postcode, city, country = _ADDRESS
    async with web_app.market.as_msp_account() as session:
        entity = LegalEntityInput(name="Calm GmbH", street=street, postcode=postcode, city=city, country=country)
        await set_legal_entity(session, entity, side=Side.RETAIL, now=now(), new_id=new_id)
        rate = TaxRateInput(percent=Decimal(19), valid_from=now().date().replace(day=1, month=1))
        await add_tax_rate(session, rate, side=Side.RETAIL, now=now())
    details = BillingDetailsInput(name="Acme AG", street=street, postcode=postcode, city=city, country=country)
    async with web_app.market.as_client() as session:
        await set_account_preferences(session, Preferences("de", ""), now=now())
        await set_billing_details(session, details, payer_id=None, now=now())


async def test_an_invoice_is_sent_paid_and_credited_on_its_page(
    web_app: BillingWebApp,  # noqa: F811
    clock: Ticking,  # noqa: F811
) -> None:
    clock.forward(seconds=40 * 86400)
    await _enter(web_app, clock)
    retail = web_app.drafts[Side.RETAIL]
    page, api = f"/clients/acme/invoices/{retail.id}", f"/api/v1/clients/acme/invoices/{retail.id}"
    close = await web_app.get("staff", "/invoices/month-close")
    assert "Usage that is not billed" not in close.text
    await web_app.market.use(*uses(2, meter="gb_hours"))
    close = await web_app.get("staff", "/invoices/month-close")
    assert ("Usage that is not billed" in close.text, "Events without a price: 2" in close.text) == (True, True)
    assert (close.status_code, page in close.text, "Billing details are missing" in close.text) == (200, True, True)
    assert (await web_app.get("acme", "/invoices/month-close")).status_code in {403, 404}
    assert (await post(web_app, "staff", f"{page}/close")).status_code == 303
    assert page not in (await web_app.get("staff", "/invoices/month-close")).text
    fixed = (await web_app.get("acme", api)).json()["document"]
    assert (fixed["language"], fixed["brand"]["name"]) == ("de", f"Brand of {web_app.host}")
    headers = {name: {"authorization": f"Bearer {web_app.keys[name]}"} for name in ("staff", "acme", "borealis")}

    async def send(reader: str, path: str, **form: str) -> int:
        url = f"https://{web_app.host}{path}"
        return (await web_app.http.post(url, headers=headers[reader], data=form)).status_code

    day = clock().date().isoformat()
    for kind, form, wanted in (
        ("acts", {"act": "send"}, 303), ("acts", {"act": "void"}, 422), ("acts", {"act": "nothing"}, 422),
        ("payments", {"amount": "3,69", "paid_on": day, "reference": "T-1"}, 303),
        ("payments", {"amount": "1.001", "paid_on": day}, 422), ("payments", {"amount": "1", "paid_on": "x"}, 422),
        ("credit-notes", {"amount": "2", "reason": "Too much"}, 303),
        ("credit-notes", {"amount": "2", "reason": ""}, 422), ("credit-notes", {"line": "x", "reason": "r"}, 422),
    ):  # fmt: skip
        assert await send("staff", f"{page}/{kind}", **form) == wanted, (kind, form)
        assert await send("acme", f"{page}/{kind}", **form) == 403
    early = await web_app.get("acme", f"{page}/document.pdf")
    assert (early.status_code, "being made" in early.text) == (404, True)
    assert "being made" in (await web_app.get("acme", page)).text
    async with web_app.market.as_client() as session:
        found = await find_snapshot(session, retail.id)
        assert found is not None
        await store_documents(session, retail.id, found[0], write_documents(found[1]), now=clock())
    listed = (await web_app.get("acme", f"{api}/documents")).json()
    assert [one["format"] for one in listed] == ["pdf", "cii", "ubl"]
    assert listed[0]["sha256"] in (await web_app.get("acme", page)).text
    for one in listed:
        file = await web_app.get("acme", f"{api}/documents/{one['format']}")
        assert hashlib.sha256(file.content).hexdigest() == one["sha256"]
    assert (await web_app.get("acme", f"{api}/documents/doc")).status_code == 404
    assert (await web_app.get("borealis", f"{api.replace('acme', 'borealis')}/documents")).status_code == 404
    for reader, status in (("acme", 200), ("staff", 200), ("borealis", 404)):
        for name, start in (("document.pdf", b"%PDF"), ("e-invoice.xml", b"<?xml"), ("e-invoice-ubl.xml", b"<?xml")):
            path = f"{page}/{name}" if reader != "borealis" else f"{page}/{name}".replace("acme", "borealis")
            file = await web_app.get(reader, path)
            assert (file.status_code, file.content.startswith(start)) == (status, status == 200), (reader, name)
    shown = await web_app.get("acme", page)
    for word in ("INV-", "13.69", "T-1", "CN-", "Too much", "Acme AG", "Partly paid", "7.62"):
        assert word in shown.text, word
    body = {"paid_on": day, "amount_minor": 762}
    for reader, path, wanted in (
        ("acme", api, 403), ("borealis", api.replace("acme", "borealis"), 403), ("staff", api, 201),
        ("staff", api.replace("acme", "borealis"), 404),
    ):  # fmt: skip
        url = f"https://{web_app.host}{path}/payments"
        answer = await web_app.http.post(url, headers=headers[reader], json=body)
        assert answer.status_code == wanted, answer.text
        if wanted == 201:
            assert (answer.json()["invoice"]["state"], len(answer.json()["payments"])) == ("paid", 2)


async def test_a_voided_invoice_shows_what_is_charged_again(
    web_app: BillingWebApp,  # noqa: F811
    clock: Ticking,  # noqa: F811
) -> None:
    clock.forward(seconds=40 * 86400)
    await _enter(web_app, clock)
    page = f"/clients/acme/invoices/{web_app.drafts[Side.RETAIL].id}"
    assert (await post(web_app, "staff", f"{page}/close")).status_code == 303
    assert "Charged again" not in (await web_app.get("acme", page)).text
    headers = {"authorization": f"Bearer {web_app.keys['staff']}"}
    form = {"act": "void", "reason": "wrong"}
    done = await web_app.http.post(f"https://{web_app.host}{page}/acts", headers=headers, data=form)
    assert done.status_code == 303
    waiting = (await web_app.get("acme", page)).text
    async with web_app.market.as_client() as session:
        await rate_client(session, clock())
    charged = (await web_app.get("acme", page)).text
    assert [text.count("Charged again") > 0 for text in (waiting, charged)] == [True, True]
    linked = re.compile(r">€[\d.,]+</a>")
    assert (bool(linked.search(waiting)), bool(linked.search(charged))) == (False, True), "with its new invoice"
    assert (await web_app.get("borealis", page.replace("acme", "borealis"))).status_code == 404
