"""Pages and API of vendor bills: from the file to mapped rows, for the MSP's members only."""

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
FILE = b"bill_number,customer,sku,qty,amount,currency\nB1,Birch,SEAT,3,30,EUR\nB1,Birch,SEAT,<b>,30,EUR\n"


async def upload(admin: Visit, content: bytes, month: str = "2026-03") -> str:
    data = {"_csrf_token": admin.token, "month": month, "vendor": "Cirrus"}
    files = {"file": ("bill.csv", content, "text/csv")}
    answer = await admin.http.post("/vendor-bills/uploads/new", data=data, files=files)
    return answer.headers.get("location", "") or answer.text


async def test_a_member_uploads_stores_and_maps_a_file(admin: Visit, msp_setup: MspSetup, env: ClientEnv) -> None:
    assert "Choose a file" in await upload(admin, b"")
    assert "such as 2026-03" in await upload(admin, FILE, "March")
    place = await upload(admin, FILE)
    shown = (await admin.get(place)).text
    assert "Nothing of this file is stored" in shown
    assert "B1,Birch,SEAT,&lt;b&gt;,30,EUR" in shown
    assert (await admin.post(f"{place.partition('?')[0]}/store", {})).status_code == 303
    assert "30" in (await admin.get("/vendor-bills")).text
    wanted = {"vendor": "Cirrus", "key": "Birch", "client": "nobody"}
    assert "no client with this short name" in (await admin.post("/vendor-bills/clients/map", wanted)).text
    mapped = await admin.post("/vendor-bills/clients/map", {**wanted, "client": msp_setup.slug})
    assert mapped.status_code == 303
    product = {"kind": "product", "vendor": "Cirrus", "key": "SEAT", "meter": "sync.verified"}
    assert (await admin.api("PUT", "/api/v1/vendor-mappings", product)).json() == {"state": "mapped"}
    form = (await admin.get("/vendor-bills/clients/map?vendor=Cirrus&key=Birch")).text
    assert f'value="{msp_setup.slug}"' in form
    [line] = (await admin.api("GET", "/api/v1/vendor-bill-lines?status=mapped")).json()["items"]
    assert (line["client_id"], line["meter"], line["amount"]) == (str(env.scope.tenant_id), "sync.verified", "30")
    assert (await admin.post(f"/vendor-bills/{line['bill_id']}/withdraw", {})).status_code == 303
    assert (await admin.api("GET", "/api/v1/vendor-bills")).json()["items"] == []


async def test_clients_have_no_vendor_bills(web_app: WebApp, msp_setup: MspSetup) -> None:
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    for path in ("/vendor-bills", "/vendor-bills/lines", "/vendor-bills/clients", "/api/v1/vendor-bills"):
        assert (await approver.get(path)).status_code in {403, 404}
