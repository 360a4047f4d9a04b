"""The check's pages, file and API, for the MSP's members only."""

import pytest

from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE, API = "/three-way-check", "/api/v1/three-way-check"


async def test_a_member_finds_and_explains_a_difference(
    admin: Visit, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
) -> None:
    line = {
        "vendor": "V", "bill_number": "B", "line": "1", "client_id": "c", "product_code": "P", "quantity": "4",
        "amount": "8", "currency": "EUR",
    }  # fmt: skip
    await admin.api("POST", "/api/v1/vendor-bills", {"month": "2026-03", "lines": [line]})
    assert "no client or meter here" in (await admin.get(f"{PAGE}?month=2026-03")).text
    for kind, key, target in (
        ("client", "c", {"client": msp_setup.slug}),
        ("product", "P", {"meter": "sync.verified"}),
    ):
        await admin.api("PUT", "/api/v1/vendor-mappings", {"kind": kind, "vendor": "V", "key": key, **target})
    [item] = (await admin.api("GET", f"{API}?month=2026-03")).json()["items"]
    assert (item["kinds"], item["difference"], item["amount"], item["at_cost"]) == (["leakage"], "4", "8.00", True)
    page = (await admin.get(f"{PAGE}?month=2026-03")).text
    assert ("8.00" in page, ">As of <time" in page) == (True, True)
    place = {"month": "2026-03", "client": msp_setup.slug, "product": "sync.verified"}
    query = "&".join(f"{name}={value}" for name, value in place.items())
    assert "Not billed to the client" in (await admin.get(f"{PAGE}/difference?{query}")).text
    assert "Enter a reason" in (await admin.post(f"{PAGE}/difference", {**place, "reason": ""})).text
    assert (await admin.post(f"{PAGE}/difference", {**place, "reason": "A trial"})).status_code == 303
    assert "A trial" in (await admin.get(f"{PAGE}/difference?{query}")).text
    file = await admin.get(f"{PAGE}.csv?month=2026-03")
    assert (file.headers["content-type"], "A trial" in file.text) == ("text/csv; charset=utf-8", True)
    detail = (await admin.api("GET", f"{API}/difference?{query}")).json()
    assert [one["is_current"] for one in detail["explanations"]] == [True]
    assert (await admin.get(f"{PAGE}?show=none")).status_code == 422
    assert (await admin.get(f"{PAGE}/difference?month=2026-03&client=nobody&product=P")).status_code == 404
    assert (await admin.get(f"{PAGE}/difference?month=2026-03&client={msp_setup.slug}&product=%00")).status_code == 400
    wrong = await admin.api("POST", f"{API}/explanations", {**place, "product": "x", "reason": "y"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "product")
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    for path in (f"{PAGE}?month=2026-03", f"{PAGE}.csv", API):
        assert (await approver.get(path)).status_code in {403, 404}
