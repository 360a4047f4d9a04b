"""VAT ids in VIES: checked at entry and before reverse charge, with the result kept as evidence."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from billing.jobs import rate_recent
from billing.vat_checks import vies
from billing.vat_checks.vies import ViesRegister, read_answer
from billing.vat_register.port import VatStatus
from foundation.clock import utc_now
from tests.billing.taxes.test_stripe_tax import AUSTRIAN, SELLER, draft
from tests.billing.vat_checks.vies_double import ViesDouble, serving_vies
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

BUYER = "ATU13585627"


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[ViesDouble]:
    made = ViesDouble(valid={BUYER})
    with serving_vies(made) as address:
        monkeypatch.setattr(vies, "URL", address)
        yield made


async def enter(admin: Visit, env: ClientEnv, msp_setup: MspSetup, **entity: Any) -> str:
    """Address of the client in the API, with a draft for an Austrian buyer; its id is checked on entry."""
    invoice_id = await draft(env)
    saved = await admin.api("PUT", "/api/v1/legal-entity", SELLER | {"vat_check": "vies"} | entity)
    assert saved.status_code == 200, saved.text
    client = f"/api/v1/clients/{msp_setup.slug}"
    assert (await admin.api("PUT", f"{client}/billing-details", AUSTRIAN)).status_code == 200
    await env.work()
    return f"{client}/invoices/{invoice_id}"


async def test_reverse_charge_needs_a_valid_id(  # noqa: PLR0917 - fixtures
    admin: Visit, web_app: WebApp, env: ClientEnv, msp_setup: MspSetup, double: ViesDouble, other_env: ClientEnv
) -> None:
    double.error = "MS_UNAVAILABLE"
    path = await enter(admin, env, msp_setup)
    check = f"/api/v1/clients/{msp_setup.slug}/billing-details/vat-check"
    shown = (await admin.api("GET", check)).json()
    assert (shown["status"], shown["reason"]) == ("unavailable", "MS_UNAVAILABLE")
    held = await admin.api("POST", f"{path}/closure")
    assert (held.status_code, held.json()["type"].rsplit("/", 1)[-1]) == (409, "vat-id-not-checked")
    double.error = ""
    assert (await admin.post(check.removeprefix("/api/v1"), {})).status_code == 303
    await env.work()
    shown = (await admin.api("GET", check)).json()
    assert (shown["status"], shown["consultation_number"], shown["name"]) == ("valid", "WAPIAAAAX1", "BIRCH AG")
    assert double.asked[-1] == {
        "countryCode": "AT", "vatNumber": "U13585627", "requesterMemberStateCode": "DE", "requesterNumber": "136695976"
    }  # fmt: skip
    page = (await admin.get(f"/clients/{msp_setup.slug}/billing-details")).text
    assert ("WAPIAAAAX1" in page, "Check in VIES" in page) == (True, True)
    double.error = "MS_UNAVAILABLE"  # a later outage does not undo the valid result
    assert (await admin.api("POST", check)).status_code == 202
    await env.work()
    closed = await admin.api("POST", f"{path}/closure")
    assert closed.status_code == 200, closed.text
    assert closed.json()["document"]["taxes"][0]["rule"]["category"] == "AE"
    other = await set_up_msp(other_env, name="Another MSP")
    stranger = await web_app.signed_in(other.host, other.admin)
    assert [(await stranger.api(verb, check)).status_code for verb in ("GET", "POST")] == [404, 404]


async def test_an_invalid_id_holds_the_invoice(
    admin: Visit, env: ClientEnv, msp_setup: MspSetup, double: ViesDouble
) -> None:
    double.valid.clear()
    path = await enter(admin, env, msp_setup)
    held = await admin.api("POST", f"{path}/closure")
    assert (held.status_code, "not valid in VIES" in held.json()["detail"]) == (409, True)


async def test_old_checks_are_repeated_before_they_end(
    admin: Visit, env: ClientEnv, msp_setup: MspSetup, double: ViesDouble
) -> None:
    path = await enter(admin, env, msp_setup, vat_check_days=10)
    asked = len(double.asked)
    async with env.services.db.transaction(env.scope) as session:
        await rate_recent(session, utc_now() + timedelta(days=8))
    await env.work()
    assert len(double.asked) == asked
    async with env.services.db.transaction(env.scope) as session:
        await rate_recent(session, utc_now() + timedelta(days=9, hours=1))
    await env.work()
    assert len(double.asked) == asked + 1
    assert (await admin.api("POST", f"{path}/closure")).status_code == 200


async def test_nothing_is_checked_without_the_setting(
    admin: Visit, env: ClientEnv, msp_setup: MspSetup, double: ViesDouble
) -> None:
    path = await enter(admin, env, msp_setup, vat_check="off")
    check = f"/api/v1/clients/{msp_setup.slug}/billing-details/vat-check"
    assert ((await admin.api("POST", check)).status_code, double.asked) == (409, [])
    assert (await admin.api("POST", f"{path}/closure")).status_code == 200
    wrong = await admin.api("PUT", f"/api/v1/clients/{msp_setup.slug}/billing-details", AUSTRIAN | {"vat_id": "ATU1"})
    assert (wrong.status_code, wrong.json()["field"], "not a VAT id of AT" in wrong.text) == (422, "vat_id", True)


async def test_the_adapter_gives_the_results_of_the_double(env: ClientEnv, double: ViesDouble) -> None:
    register = ViesRegister(env.services.outbound, env.scope.msp_id, vies.URL)
    for vat_id, error in ((BUYER, ""), ("ATU99999999", ""), (BUYER, "MS_UNAVAILABLE"), (BUYER, "INVALID_INPUT")):
        double.error = error
        found = await register.check(vat_id, requester="DE136695976")
        assert found == await double.check(vat_id, requester="DE136695976")
    gone = await ViesRegister(env.services.outbound, env.scope.msp_id, "http://127.0.0.1:9/").check(BUYER, requester="")
    assert (gone.status, gone.reason) == (VatStatus.UNAVAILABLE, "NO_ANSWER")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"valid": True}, VatStatus.VALID),
        ({"valid": False}, VatStatus.INVALID),
        ({"valid": False, "userError": "MS_MAX_CONCURRENT_REQ"}, VatStatus.UNAVAILABLE),
        ({"valid": False, "userError": "INVALID"}, VatStatus.INVALID),
        ({"errorWrappers": [{"error": "INVALID_REQUESTER_INFO"}]}, VatStatus.UNAVAILABLE),
        ({"valid": "true"}, VatStatus.UNAVAILABLE),
        ({"errorWrappers": ["x"]}, VatStatus.UNAVAILABLE),
        ({}, VatStatus.UNAVAILABLE),
        ([], VatStatus.UNAVAILABLE),
    ],
)
async def test_unavailable_is_not_invalid(answer: object, status: VatStatus) -> None:
    assert read_answer(answer).status is status
