"""Baselines on their pages and in the API: permissions, and the steps from reading to acceptance."""

import re
from uuid import UUID

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from connectors.ports import ChannelReading, KeyPage, PollPage
from controlplane.provisioning import NewAccountMember, add_member
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.i18n.messages import TEXT
from foundation.web.pagination import ResultPage
from governance.baseline.lists import COMPARED_VALUES
from governance.baseline.queries import list_compared
from governance.baseline.schemas import ComparedValue
from tests.governance.baseline.clients import read, set_in_erp, set_in_shop
from tests.governance.scripted import ScriptedCatalogue, ScriptedChannel, ScriptedSource, replace_part
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(autouse=True)
def own_registry(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry for each test, whose connectors it may replace; the services are shared by the file."""
    runtime = services.governance.runtime
    monkeypatch.setattr(runtime, "registry", runtime.registry)


def root_of(msp_setup: MspSetup) -> str:
    return f"/clients/{msp_setup.slug}/baselines"


async def compared(session: AsyncSession, baseline_id: UUID, which: str) -> ResultPage[ComparedValue]:
    query = COMPARED_VALUES.query(which=which, limit=100).inside({"baseline_id": baseline_id})
    return await list_compared(session, query, utc_now())


async def accepted(env: ClientEnv, visit: Visit, address: str) -> None:
    answer = await visit.post(f"{address}/accept")
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    await env.work(settle=20.0)


async def test_an_administrator_reads_compares_and_accepts(
    web_app: WebApp, env: ClientEnv, msp_setup: MspSetup
) -> None:
    set_in_erp(env, SKU_001=1_100, SKU_002=1_200, SKU_003=400)
    set_in_shop(env, version=7, SKU_001=1_060, SKU_002=1_000, SKU_003=1_300)
    visit, root = await web_app.signed_in(msp_setup.host, msp_setup.admin), root_of(msp_setup)
    assert "/baselines" in (await visit.get(f"/clients/{msp_setup.slug}/connections")).text
    empty = await visit.get(root)
    assert "No baseline yet" in empty.text
    begun = await visit.post(root)
    assert begun.status_code == 303, begun.text
    address = begun.headers["location"]
    reading = (await visit.get(address)).text
    assert "Reading the systems" in reading
    assert f'hx-get="{address}/progress' in reading
    await env.work()
    ready = (await visit.get(address)).text
    assert "Ready to accept" in ready
    assert "hx-trigger" not in ready.split('id="baseline"')[1].split(">")[0]
    rows = re.findall(r'class="lead nowrap">.*?>\s*(SKU-\d+)<(.*?)</tr>', ready, re.DOTALL)
    assert [(sku, [word for word in ("Passes", "Needs approval", "Refused", "Below cost") if word in row])
            for sku, row in rows] == [
        ("SKU-001", ["Passes"]), ("SKU-002", ["Needs approval"]),
        ("SKU-003", ["Refused", "Below cost"]), ("SKU-003", ["Refused", "Below cost"]),
    ]  # fmt: skip
    assert "4.00" in rows[2][1]
    await accepted(env, visit, address)
    done = (await visit.get(address)).text
    assert "Accepted by Admin Calm Harbour" in done
    assert "1 passed policy, 1 need approval, 2 refused" not in done
    assert "1 passed policy, 1 need approval, 1 refused" in done
    change = re.search(rf'href="(/clients/{msp_setup.slug}/changes/[0-9a-f-]+)"', done)
    assert change is not None
    story = (await visit.get(change[1])).text
    assert "Found by a baseline" in story
    assert "Accepted" in (await visit.get(root)).text


async def test_a_sources_inexact_value_is_shown_as_it_was_read(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
) -> None:
    bodies = [
        msgspec.json.encode(env.change("SKU-001", STOCK, 4) | {"amount": 12.5}),
        msgspec.json.encode(env.change("SKU-002", STOCK, 4) | {"amount": 12.5}),
        msgspec.json.encode(env.change("SKU-002", STOCK, 5)),
        msgspec.json.encode(env.change("SKU-003", STOCK, 6)),
    ]
    payloads = [(f"chg_odd{n}", body) for n, body in enumerate(bodies)]
    pages = ScriptedSource(lambda cursor, before: PollPage(payloads, "1", more=False))
    replace_part(env, "sandbox-erp", poll=pages)
    baseline = await read(env)
    async with env.services.db.transaction(env.scope) as session:
        found = await compared(session, baseline, "channel_only")
    reasons = {one.record_key: one.source_unreadable for one in found.items if one.source_unreadable}
    assert list(reasons) == ["SKU-001"]
    assert "float" in reasons["SKU-001"]
    visit = await web_app.signed_in(msp_setup.host, msp_setup.admin)
    page = (await visit.get(f"/clients/{msp_setup.slug}/baselines/{baseline}?which=channel_only")).text
    assert "Not an exact value: not applied" in page
    assert await env.rows("SELECT record_key FROM governance_exception WHERE state = 'open' ORDER BY 1") == [
        ("SKU-001",), ("SKU-002",),
    ]  # fmt: skip


async def test_long_lists_are_paginated(web_app: WebApp, env: ClientEnv, msp_setup: MspSetup) -> None:
    baseline = await read(env)
    visit = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    seen: list[str] = []
    path = f"{root_of(msp_setup)}/{baseline}?which=equal"
    while path:
        page = (await visit.get(path)).text
        seen += re.findall(r'class="lead nowrap">\s*<[^>]*>(SKU-\d+)<', page)
        following = re.search(r'href="([^"]*which=equal&(?:amp;)?cursor=[^"]+)"\s+rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == sorted(seen)
    assert len(seen) == 80


async def test_roles(web_app: WebApp, env: ClientEnv, msp_setup: MspSetup) -> None:
    baseline = await read(env)
    await add_member(
        env.services,
        env.scope,
        NewAccountMember(f"boss-{msp_setup.slug}@example.test", "Boss", PASSWORD, "client_admin"),
    )
    await add_member(
        env.services,
        env.msp_account,
        NewAccountMember(f"op-{msp_setup.slug}@example.test", "Op", PASSWORD, "msp_operator"),
    )
    root, address = root_of(msp_setup), f"{root_of(msp_setup)}/{baseline}"
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    page = (await approver.get(address)).text
    assert "Ready for acceptance" in page
    assert "Accept this baseline" not in page
    for path in (root, f"{address}/accept", f"{address}/discard"):
        assert (await approver.post(path)).status_code == 403, path
    operator = await web_app.signed_in(msp_setup.host, f"op-{msp_setup.slug}@example.test")
    assert (await operator.post(f"{address}/accept")).status_code == 403
    partner = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    assert [(await partner.get(path)).status_code for path in (root, address)] == [403, 403]
    again = await operator.post(root)
    assert again.status_code == 303
    await env.work()
    boss = await web_app.signed_in(msp_setup.host, f"boss-{msp_setup.slug}@example.test")
    await boss.get(root)
    await accepted(env, boss, again.headers["location"])
    assert await env.rows("SELECT decided_by FROM baseline WHERE state = 'accepted'") == [("Boss",)]


async def test_a_refused_act_shows_the_page_with_the_reason(
    web_app: WebApp, env: ClientEnv, msp_setup: MspSetup
) -> None:
    baseline = await read(env)
    visit, address = await web_app.signed_in(msp_setup.host, msp_setup.admin), f"{root_of(msp_setup)}/{baseline}"
    await visit.get(address)
    await accepted(env, visit, address)
    for act in ("accept", "discard"):
        late = await visit.post(f"{address}/{act}")
        assert late.status_code == 409
        assert "This baseline is accepted" in late.text


async def test_another_client_finds_nothing(
    web_app: WebApp, env: ClientEnv, other_env: ClientEnv, msp_setup: MspSetup
) -> None:
    theirs = await set_up_msp(other_env, name="Other")
    baseline = await read(other_env)
    visit = await web_app.signed_in(msp_setup.host, msp_setup.admin)
    for path in (f"{root_of(msp_setup)}/{baseline}", f"{root_of(theirs)}/{baseline}", root_of(theirs)):
        assert (await visit.get(path)).status_code == 404, path
        assert (await visit.api("GET", f"/api/v1{path}")).status_code == 404, path
    await visit.get(root_of(msp_setup))
    assert (await visit.post(f"{root_of(msp_setup)}/{baseline}/accept")).status_code == 404
    assert await other_env.rows("SELECT state FROM baseline") == [("ready",)]


async def test_the_api_does_the_same(web_app: WebApp, env: ClientEnv, msp_setup: MspSetup) -> None:
    set_in_shop(env, version=7, SKU_001=1_060, SKU_002=1_000)
    visit, root = await web_app.signed_in(msp_setup.host, msp_setup.admin), f"/api/v1{root_of(msp_setup)}"
    await visit.get(root_of(msp_setup))
    begun = await visit.api("POST", root)
    assert begun.status_code == 202, begun.text
    address = f"{root}/{begun.json()['id']}"
    await env.work()
    body = (await visit.api("GET", address)).json()
    assert (body["state"], [(part["name"], part["differs"], part["listed"]) for part in body["parts"]]) == (
        "ready", [("ERP", 0, False), ("market1", 0, True), ("shop0", 2, True)],
    )  # fmt: skip
    one = (await visit.api("GET", f"{address}/values?limit=1")).json()
    two = (await visit.api("GET", f"{address}/values?limit=1&cursor={one['next_cursor']}")).json()
    assert [item["record_key"] for page in (one, two) for item in page["items"]] == ["SKU-001", "SKU-002"]
    assert (one["items"][0]["source"], two["items"][0]["outcome"], two["next_cursor"]) == (
        {"type": "money", "amount": "11", "currency": "USD"}, "review", None,
    )  # fmt: skip
    for query, status in (("which=all", 400), ("cursor=nowhere", 400), ("limit=0", 422), ("cursor=%00", 400)):
        assert (await visit.api("GET", f"{address}/values?{query}")).status_code == status, query
    assert (await visit.api("GET", f"{root}/{UUID(int=7)}/values")).status_code == 404
    taken = await visit.api("POST", f"{address}/accept")
    assert (taken.status_code, taken.json()["state"]) == (202, "accepting")
    await env.work(settle=20.0)
    body = (await visit.api("GET", address)).json()
    assert (body["state"], body["automatic"], body["awaiting"]) == ("accepted", 1, 1)
    assert [item["id"] for item in (await visit.api("GET", root)).json()["items"]] == [body["id"]]


async def test_a_channels_inexact_value_is_shown_as_it_was_read(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv
) -> None:
    """On the page and in the API; neither omitted nor rounded."""
    odd = TEXT.write(text="10.9951 USD\u202e\x1b with 4 digits")

    def answer(*key: str) -> ChannelReading:
        sku, element, *_ = key
        if element == PRICE and sku in {"SKU-001", "OWN-1"}:
            return ChannelReading(ElementKey(*key), None, 9, unreadable=odd)
        return ChannelReading(ElementKey(*key), None)

    listed = ScriptedCatalogue(lambda cursor, before: KeyPage(["OWN-1"], "", more=False))
    replace_part(env, "sandbox-shop", channel=ScriptedChannel(answer), catalogue=listed)
    baseline = await read(env)
    visit = await web_app.signed_in(msp_setup.host, msp_setup.admin)
    for which in ("differs", "channel_only"):
        page = (await visit.get(f"/clients/{msp_setup.slug}/baselines/{baseline}?which={which}")).text
        row = page.split("Compared values, by record")[1]
        assert "10.9951 USD⟨U+202E⟩" in row
        assert not set(page) & {"\u202e", "\x1b"}
        assert "Not an exact value" in row
        async with env.services.db.transaction(env.scope) as session:
            found = await compared(session, baseline, which)
        assert [(one.shown, one.unreadable[:11]) for one in found.items if one.unreadable] == [(None, "10.9951 USD")]
