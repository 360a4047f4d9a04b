"""Tax by Stripe Tax: calculated before an invoice is finalised, stored and printed, recorded and reversed at Stripe."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from billing.documents.pdf import _content
from billing.invoices.draft import draft_invoice
from billing.legal_entities.tax import TaxCategory, TaxDetail, TaxRule
from billing.sides import Side
from billing.snapshot import InvoiceSnapshot
from billing.tax_service.port import TaxAnswer, TaxHeld, TaxQuestion
from billing.tax_service.rules import SERVICE_EXEMPT, rule_of
from foundation.clock import utc_now
from tests.billing.conftest import MARCH, Market, uses
from tests.billing.invoices.test_lifecycle import enter
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_web_app,
)
from tests.support.stripe_fake import StripeFake
from tests.support.stripe_fake.faults import Fault
from tests.support.stripe_fake.product import services_on_stripe, stripe_fake  # noqa: F401 - fixtures
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRIPE = {"provider": "stripe", "secret_key": "sk_test_harbour4242", "signing_secret": "whsec_harbour7777"}
SELLER = {
    "name": "Calm Harbour GmbH", "street": "Kai 1", "postcode": "20457", "city": "Hamburg", "country": "DE",
    "vat_id": "DE136695976",
}  # fmt: skip
GERMAN = {"name": "Birch AG", "street": "Ring 2", "postcode": "20457", "city": "Hamburg", "country": "DE"}
AUSTRIAN = {**GERMAN, "country": "AT", "postcode": "1010", "city": "Wien", "vat_id": "ATU13585627"}
AMERICAN = {**GERMAN, "country": "US", "postcode": "90012", "city": "Los Angeles"}
QUESTION = TaxQuestion(
    currency="EUR", net_minor=1000, seller_country="DE", seller_vat_id="DE136695976", street="", postcode="", city="",
    country="AT", vat_id="ATU13585627", tax_code="txcd_10103001", day="2026-04-01",
)  # fmt: skip


async def work(env: ClientEnv) -> None:
    await replace(env, scope=env.msp_account).work(settle=0.1)
    await env.work(settle=0.1)


async def draft(env: ClientEnv) -> UUID:
    """A draft of 11.50 for March."""
    market = Market(env.services.db, env.msp_account, env.scope)
    await market.open_book(Side.RETAIL)
    await market.price(Side.RETAIL, "0.10", included=5)
    await enter(market)
    await market.use(*uses(120))
    await market.rate(Side.RETAIL)
    async with market.as_client() as session:
        made = await draft_invoice(session, side=Side.RETAIL, period=MARCH, now=utc_now())
    assert made is not None
    return made.id


async def prepare(admin: Visit, env: ClientEnv, msp_setup: MspSetup, buyer: dict[str, str]) -> str:
    """Address of a draft for this buyer of an MSP with Stripe Tax."""
    invoice_id = await draft(env)
    early = await admin.api("PUT", "/api/v1/legal-entity", SELLER | {"tax_source": "stripe"})
    assert (early.status_code, early.json()["field"]) == (422, "tax_source")
    assert (await admin.api("PUT", "/api/v1/payment-account", STRIPE)).status_code == 200
    saved = await admin.api("PUT", "/api/v1/legal-entity", SELLER | {"tax_source": "stripe"})
    assert saved.status_code == 200, saved.text
    details = await admin.api("PUT", f"/api/v1/clients/{msp_setup.slug}/billing-details", buyer)
    assert details.status_code == 200, details.text
    return f"/api/v1/clients/{msp_setup.slug}/invoices/{invoice_id}"


async def calculate(admin: Visit, env: ClientEnv, path: str) -> dict[str, Any]:
    asked = await admin.api("POST", f"{path}/tax-calculation")
    assert asked.status_code == 202, asked.text
    await env.work(settle=20)  # a call whose answer was lost is repeated after some seconds
    return dict((await admin.api("GET", path)).json()["tax_calculation"])


async def test_tax_is_calculated_printed_recorded_and_reversed(  # noqa: PLR0917 - fixtures
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake, other_env: ClientEnv
) -> None:
    path = await prepare(admin, env, msp_setup, GERMAN)
    refused = await admin.api("POST", f"{path}/closure")
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "tax-not-calculated")
    fake.faults.queue = [Fault.LOST]
    found = await calculate(admin, env, path)
    assert (found["tax_minor"], found["failure"], found["details"][0]["jurisdiction"]) == (219, "", "Germany")
    page = (await admin.get(path.removeprefix("/api/v1"))).text
    assert ("Germany: VAT 19" in page, "Calculate tax" in page) == (True, True)
    closed = await admin.api("POST", f"{path}/closure")
    assert closed.status_code == 200, closed.text
    shown = closed.json()
    assert (shown["invoice"]["tax_minor"], shown["invoice"]["gross_minor"]) == (219, 1369)
    assert shown["document"]["tax_details"][0]["reason"] == "standard_rated"
    content = _content(msgspec.convert(shown["document"], InvoiceSnapshot, strict=False))
    assert "Germany: VAT 19%, Standard rate." in content["notes"]  # type: ignore[operator]
    await work(env)
    recorded = (await admin.api("GET", path)).json()["tax_calculation"]["transaction_id"]
    (transaction,) = fake.world.platform.of_kind("tax.transaction")
    assert (recorded, transaction["_left"]) == (transaction["id"], 1369)
    for _ in range(2):  # each credit note is taken back once
        credited = await admin.api("POST", f"{path}/credit-notes", {"reason": "Too much", "net_minor": 100})
        assert credited.status_code == 201, credited.text
        await work(env)
    reversals = [one for one in fake.world.platform.of_kind("tax.transaction") if one["type"] == "reversal"]
    notes = (await admin.api("GET", path)).json()["credit_notes"]
    assert transaction["_left"] == 1369 - sum(one["gross_minor"] for one in notes)
    assert [one["reference"] for one in reversals] == [one["id"] for one in notes]
    stranger = await web_app.signed_in(*_other(await set_up_msp(other_env, name="Another MSP")))
    assert (await stranger.api("POST", f"{path}/tax-calculation")).status_code == 404


def _other(setup: MspSetup) -> tuple[Any, Any]:
    return setup.host, setup.admin


async def test_a_refused_calculation_holds_the_invoice(
    admin: Visit, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake
) -> None:
    path = await prepare(admin, env, msp_setup, AUSTRIAN | {"vat_id": ""})
    held = await calculate(admin, env, path)
    assert (held["failure"], "no registration for AT" in held["answer"]) == ("tax-not-calculated", True)
    refused = await admin.api("POST", f"{path}/closure")
    assert (refused.status_code, "no registration for AT" in refused.json()["detail"]) == (409, True)
    assert "The tax is not calculated" in (await admin.get("/invoices/month-close")).text
    fake.refuse_next(400, "customer_tax_location_invalid", "We could not determine the location.")
    held = await calculate(admin, env, path)
    assert (held["failure"], held["answer"]) == ("payment-provider-refused", "We could not determine the location.")
    await admin.api("PUT", f"/api/v1/clients/{msp_setup.slug}/billing-details", AUSTRIAN)
    found = await calculate(admin, env, path)
    assert (found["failure"], found["tax_minor"], found["details"][0]["reason"]) == ("", 0, "reverse_charge")
    moved = await admin.api("PUT", f"/api/v1/clients/{msp_setup.slug}/billing-details", GERMAN)
    assert moved.status_code == 200
    assert (await admin.api("POST", f"{path}/closure")).status_code == 409  # calculated for another place
    await admin.api("PUT", f"/api/v1/clients/{msp_setup.slug}/billing-details", AUSTRIAN)
    closed = (await admin.api("POST", f"{path}/closure")).json()
    assert closed["document"]["taxes"][0]["rule"]["category"] == "AE"
    await work(env)
    voided = await admin.api("POST", f"{path}/acts", {"act": "void", "reason": "Wrong buyer"})
    assert voided.status_code == 200, voided.text
    await work(env)
    recorded = next(
        one for one in fake.world.platform.of_kind("tax.transaction") if one["reference"] == path.rsplit("/", 1)[1]
    )
    assert recorded["_left"] == 0


async def test_rates_of_several_places_are_added(
    admin: Visit, env: ClientEnv, msp_setup: MspSetup, fake: StripeFake
) -> None:
    fake.world.tax_registrations.add("US")
    path = await prepare(admin, env, msp_setup, AMERICAN)
    found = await calculate(admin, env, path)
    assert [one["tax_minor"] for one in found["details"]] == [69, 3, 26]
    closed = (await admin.api("POST", f"{path}/closure")).json()
    assert (closed["document"]["taxes"][0]["rule"]["percent"], closed["invoice"]["tax_minor"]) == ("8.5", 98)
    sent = await admin.api("POST", f"{path}/acts", {"act": "send"})
    assert sent.status_code == 200, sent.text
    await work(env)
    at = (await admin.api("GET", path)).json()["collection"]
    assert (at["status"], at["total_minor"], at["failure"]) == ("open", 1248, "")


@pytest.mark.parametrize(
    ("reasons", "changes", "wanted"),
    [
        (["reverse_charge"], {}, TaxRule(TaxCategory.REVERSE_CHARGE, Decimal(0), "VATEX-EU-AE")),
        (["reverse_charge"], {"vat_id": ""}, None),
        (["reverse_charge"], {"seller_vat_id": ""}, None),
        (["product_exempt"], {}, TaxRule(TaxCategory.EXEMPT, Decimal(0), SERVICE_EXEMPT)),
        (["zero_rated"], {}, TaxRule(TaxCategory.ZERO, Decimal(0))),
        (["not_collecting"], {}, None),
        (["not_collecting"], {"country": "US"}, TaxRule(TaxCategory.EXPORT, Decimal(0), "VATEX-EU-G")),
        (["not_collecting"], {"seller_country": "US", "country": "US"}, TaxRule(TaxCategory.ZERO, Decimal(0))),
        (["not_supported"], {"country": "US"}, None),
        (["a_new_reason"], {}, None),
        (["zero_rated", "reverse_charge"], {}, None),
        ([], {}, None),
    ],
)
async def test_no_tax_is_never_assumed(reasons: list[str], changes: dict[str, str], wanted: TaxRule | None) -> None:
    question = msgspec.structs.replace(QUESTION, **changes)
    details = [TaxDetail("Somewhere", "country", "", Decimal(0), reason, 0, 0) for reason in reasons]
    if wanted is None:
        with pytest.raises(TaxHeld):
            rule_of(question, TaxAnswer("taxcalc_1", 0, details))
    else:
        assert rule_of(question, TaxAnswer("taxcalc_1", 0, details)) == wanted


@pytest.mark.parametrize(
    ("parts", "tax", "percent"),
    [
        ([("19", "standard_rated")], 190, "19"),
        ([("6", "standard_rated"), ("2.5", "standard_rated")], 85, "8.5"),
        ([("20", "taxable_basis_reduced")], 100, "10"),
        ([("6", "standard_rated"), ("0", "not_collecting")], 60, "6"),
    ],
)
async def test_the_percentage_fits_the_tax(parts: list[tuple[str, str]], tax: int, percent: str) -> None:
    details = [TaxDetail("Somewhere", "state", "VAT", Decimal(rate), reason, 1000, tax) for rate, reason in parts]
    found = rule_of(QUESTION, TaxAnswer("taxcalc_1", tax, details))
    assert found == TaxRule(TaxCategory.STANDARD, Decimal(percent))
