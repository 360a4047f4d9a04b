"""Legal entities and billing details on pages and over the API: permissions and isolation."""

import pytest
from sqlalchemy import text

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

ENTITY = {
    "name": "Calm Harbour GmbH", "street": "Kai 1", "postcode": "20457", "city": "Hamburg", "country": "de",
    "vat_id": "DE 136695976", "iban": "DE89 3704 0044 0532 0130 00", "language": "de",
}  # fmt: skip
BUYER = {
    "name": "Birch AG", "street": "Ring 2", "postcode": "1010", "city": "Wien", "country": "AT",
    "vat_id": "ATU13585627", "po_number": "PO-77",
}  # fmt: skip
_ENTITY, _RATES = "/api/v1/legal-entity", "/api/v1/legal-entity/tax-rates"


async def test_an_msp_sets_its_legal_entity_and_rates(admin: Visit, web_app: WebApp, other_env: ClientEnv) -> None:
    assert (await admin.api("GET", _ENTITY)).status_code == 404
    early = await admin.api("POST", _RATES, {"percent": "19", "valid_from": "2026-01-01"})
    assert (early.status_code, "legal entity first" in early.text) == (409, True)
    saved = await admin.api("PUT", _ENTITY, ENTITY)
    assert saved.status_code == 200, saved.text
    assert saved.json()["entity"]["country"] == "DE"
    assert saved.json()["entity"]["iban"] == "DE89370400440532013000"
    for percent, day, status in (("19", "2026-01-01", 201), ("16", "2026-07-01", 201), ("7", "2026-07-01", 409)):
        added = await admin.api("POST", _RATES, {"percent": percent, "valid_from": day})
        assert added.status_code == status, added.text
    shown = (await admin.api("GET", _ENTITY)).json()
    assert [rate["percent"] for rate in shown["rates"]] == ["16.000", "19.000"]
    other = await set_up_msp(other_env, name="Another MSP")
    stranger = await web_app.signed_in(other.host, other.admin)
    assert (await stranger.api("GET", _ENTITY)).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("country", "Germany"), ("vat_id", "DE136695978"), ("iban", "DE89370400440532013001"), ("bic", "X"),
        ("street", " "), ("language", "xx"), ("number_format", "INV"), ("dunning_days", [14, 7]),
        ("credit_note_format", "INV-{year}-{number:5}"), ("email", "nobody"), ("time_zone", "Europe/Nowhere"),
        ("time_zone", ""),
    ],
)  # fmt: skip
async def test_wrong_fields_are_named(admin: Visit, field: str, value: object) -> None:
    refused = await admin.api("PUT", _ENTITY, ENTITY | {field: value})
    assert refused.status_code in {400, 422}, refused.text
    assert refused.status_code == 400 or refused.json()["field"] == field


async def test_the_page_shows_what_was_typed_with_its_error(admin: Visit) -> None:
    form = ENTITY | {"time_zone": "Europe/Berlin", "payment_days": "30", "grace_days": "3", "dunning_days": "7, 14"}
    formats = {"number_format": "R-{year}-{number:4}", "credit_note_format": "G-{number}"}
    refused = await admin.post("/legal-entity", {**form, **formats, "vat_id": "DE1"})
    assert (refused.status_code, "not a VAT id of DE" in refused.text, "Kai 1" in refused.text) == (422, True, True)
    done = await admin.post("/legal-entity", form | formats)
    assert done.status_code == 303, done.text
    exempt = {"category": "E", "percent": "0", "reason": "VATEX-EU-132", "valid_from": "2026-01-01"}
    assert (await admin.post("/legal-entity/tax-rates", exempt)).status_code == 303
    page = await admin.get("/legal-entity")
    assert [word in page.text for word in ("R-{year}-{number:4}", "7, 14", "VATEX-EU-132")] == [True] * 3
    assert 'value="Europe/Berlin" selected' in page.text


async def test_a_client_changes_its_own_details_and_only_its_msp_the_payer(
    admin: Visit, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
) -> None:
    path = f"/api/v1/clients/{msp_setup.slug}/billing-details"
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("PUT", path, BUYER)).status_code == 403
    assert (await admin.api("GET", path)).status_code == 404
    saved = await admin.api("PUT", path, BUYER | {"payer": ""})
    assert saved.status_code == 200, saved.text
    assert (saved.json()["vat_id"], saved.json()["po_number"]) == ("ATU13585627", "PO-77")
    unknown = await admin.api("PUT", path, BUYER | {"payer": "nobody-here"})
    assert unknown.status_code == 404
    own = await admin.api("PUT", path, BUYER | {"payer": msp_setup.slug})
    assert (own.status_code, own.json().get("field")) == (422, "payer")
    page = await admin.get(f"/clients/{msp_setup.slug}/billing-details")
    assert (page.status_code, "Birch AG" in page.text) == (200, True)
    mine = await admin.post("/billing-details", ENTITY | {"country": "DE"})
    assert mine.status_code == 303, mine.text
    assert (await admin.api("GET", "/api/v1/billing-details")).json()["name"] == "Calm Harbour GmbH"
    async with env.services.db.transaction(env.scope) as session:
        noted = "SELECT count(*) FROM audit_entry WHERE tenant_id = :t AND action = 'billing_details.set'"
        assert await session.scalar(text(noted), {"t": env.scope.tenant_id}) == 1
