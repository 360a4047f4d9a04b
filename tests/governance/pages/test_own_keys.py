"""A key's proposal counts as its creator's own, whichever account the key belongs to."""

from dataclasses import replace

import httpx
import pytest
from sqlalchemy import text

from foundation.ids import new_id
from foundation.scope import Actor, Scope
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.members.repository import mark_suspended
from tenants.secrets import new_secret
from tests.governance.pages.web_app import GovernanceWebApp, Reader, token_of

LIST = "/clients/acme/approvals"
API = "/api/v1/clients/acme"
WISH = {
    "record_key": "SKU-1",
    "element": "price.list",
    "value": {"type": "money", "amount": "10.40", "currency": "USD"},
}


async def make_key(web_app: GovernanceWebApp, scope: Scope, maker: Reader, role: str) -> str:
    by = replace(scope, actor=Actor("member", str(maker.member_id), "Maker"))
    async with web_app.auth.db.transaction(by) as session:
        wanted = NewApiKey(new_id(), "Price tool", role)
        return (await create_api_key(session, new_secret, wanted, now=web_app.auth.clock()))[1]


async def use(web_app: GovernanceWebApp, key: str, method: str, path: str, body: object = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return await web_app.http.request(method, f"https://{web_app.host}{path}", headers=headers, json=body)


async def propose(web_app: GovernanceWebApp, key: str) -> str:
    async with web_app.acme.db.transaction(web_app.acme.scope) as session:
        await session.execute(text("UPDATE element_contract SET source_connection_id = NULL"))
    made = await use(web_app, key, "POST", f"{API}/changes", WISH)
    assert (made.status_code, made.json()["state"]) == (201, "awaiting_approval"), made.text
    return str(made.json()["id"])


@pytest.fixture(params=["of the client", "of the MSP, made by staff"])
async def key_and_maker(request: pytest.FixtureRequest, busy: GovernanceWebApp) -> tuple[str, str]:
    if request.param == "of the client":
        return await make_key(busy, busy.acme.scope, busy["admin"], "machine"), "admin"
    return await make_key(busy, busy.msp.scope, busy["staff"], "msp_admin"), "staff"


async def test_the_keys_author_sees_a_notice_and_another_member_answers(
    busy: GovernanceWebApp, key_and_maker: tuple[str, str]
) -> None:
    key, name = key_and_maker
    maker, change = busy[name], await propose(busy, key)
    path = f"{LIST}/{change}"
    page = (await maker.get(path)).text
    assert "An API key that you created proposed this" in page
    assert 'name="answer"' not in page
    other = await busy.acme.awaiting("SKU-2", 1000, 2000)
    token = token_of(await maker.get(f"{LIST}/{other}"))
    forged = await maker.post(path, {"answer": "approve"}, page=path, token=token)
    assert forged.status_code == 403
    assert "You created the API key that proposed this" in forged.text
    called = await maker.call(f"{API}/changes/{change}/answer", {"grant": True}, page=f"{LIST}/{other}")
    assert (called.status_code, called.json()["type"]) == (403, "/problems/own-approval")
    approver = busy["approver"]
    assert 'name="answer"' in (await approver.get(path)).text
    assert (await approver.post(path, {"answer": "approve"}, page=path)).status_code == 303


async def test_list_and_page_show_proposer_and_author_of_the_key(busy: GovernanceWebApp) -> None:
    change = await propose(busy, await make_key(busy, busy.acme.scope, busy["admin"], "machine"))
    assert "Price tool (key created by Admin)" in (await busy["viewer"].get(f"{LIST}/{change}")).text
    listed = (await busy["viewer"].get(LIST)).text
    assert "Price tool" in listed
    assert "key created by Admin" in listed
    await busy.borealis.awaiting("THEIRS-1", 1000, 2000)
    theirs = (await busy["stranger"].get("/clients/borealis/approvals")).text
    assert "THEIRS-1" in theirs
    assert "key created by" not in theirs


async def test_a_suspended_author_still_counts_as_author(
    busy: GovernanceWebApp,
) -> None:
    key = await make_key(busy, busy.acme.scope, busy["admin"], "machine")
    change = await propose(busy, key)
    made = await use(busy, await make_key(busy, busy.acme.scope, busy["admin"], "client_approver"), "GET",
                     f"{API}/approvals/{change}")  # fmt: skip
    assert made.json()["approval"]["author"] == str(busy["admin"].member_id)
    async with busy.auth.db.transaction(busy.acme.scope) as session:
        await mark_suspended(session, member_id=busy["admin"].member_id, reason="left", now=busy.auth.clock())
    refused = await use(busy, key, "GET", f"{API}/changes/{change}")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/key-creator-inactive")
    path = f"{LIST}/{change}"
    assert "Price tool (key created by Admin)" in (await busy["approver"].get(path)).text
    assert (await busy["approver"].post(path, {"answer": "approve"}, page=path)).status_code == 303
