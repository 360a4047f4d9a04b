"""Baselines on their pages and in the API: who may do what, and the way from reading to accepting."""

import re
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from connectors.ports import ChannelReading, KeyPage, PollPage
from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.web.pagination import ResultPage
from governance.baseline.lists import COMPARED_VALUES
from governance.baseline.queries import list_compared
from governance.baseline.schemas import ComparedValue
from tests.governance.baseline.clients import read, set_in_erp, set_in_shop
from tests.governance.scripted import ScriptedCatalogue, ScriptedChannel, ScriptedSource, replace_part
from tests.support.client_env import ClientEnv
from tests.support.web_app import PASSWORD, House, Visit, WebApp, furnish


def root_of(house: House) -> str:
    return f"/clients/{house.slug}/baselines"


async def compared(session: AsyncSession, baseline_id: UUID, which: str) -> ResultPage[ComparedValue]:
    query = COMPARED_VALUES.query(which=which, limit=100).inside({"baseline_id": baseline_id})
    return await list_compared(session, query, utc_now())


async def accepted(world: ClientEnv, visit: Visit, address: str) -> None:
    answer = await visit.post(f"{address}/accept")
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    await world.work(settle=20.0)


async def test_an_administrator_reads_compares_and_accepts(site: WebApp, world: ClientEnv, house: House) -> None:
    set_in_erp(world, SKU_001=1_100, SKU_002=1_200, SKU_003=400)
    set_in_shop(world, version=7, SKU_001=1_060, SKU_002=1_000, SKU_003=1_300)
    visit, root = await site.signed_in(house.host, house.admin), root_of(house)
    assert "/baselines" in (await visit.get(f"/clients/{house.slug}/connections")).text
    empty = await visit.get(root)
    assert "No baseline yet" in empty.text
    begun = await visit.post(root)
    assert begun.status_code == 303, begun.text
    address = begun.headers["location"]
    reading = (await visit.get(address)).text
    assert "Reading the systems" in reading
    assert f'hx-get="{address}/progress' in reading
    await world.work()
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
    await accepted(world, visit, address)
    done = (await visit.get(address)).text
    assert "Accepted by Admin Calm Harbour" in done
    assert "1 passed policy, 1 need approval, 2 refused" not in done
    assert "1 passed policy, 1 need approval, 1 refused" in done
    change = re.search(rf'href="(/clients/{house.slug}/changes/[0-9a-f-]+)"', done)
    assert change is not None
    story = (await visit.get(change[1])).text
    assert "Found by a baseline" in story
    assert "Accepted" in (await visit.get(root)).text


async def test_a8_a_sources_inexact_value_is_shown_as_it_was_read(site: WebApp, house: House, world: ClientEnv) -> None:
    bodies = [
        msgspec.json.encode(world.change("SKU-001", STOCK, 4) | {"amount": 12.5}),
        msgspec.json.encode(world.change("SKU-002", STOCK, 4) | {"amount": 12.5}),
        msgspec.json.encode(world.change("SKU-002", STOCK, 5)),
        msgspec.json.encode(world.change("SKU-003", STOCK, 6)),
    ]
    payloads = [(f"chg_odd{n}", body) for n, body in enumerate(bodies)]
    pages = ScriptedSource(lambda cursor, before: PollPage(payloads, "1", more=False))
    replace_part(world, "sandbox-erp", poll=pages)
    baseline = await read(world)
    async with world.services.db.transaction(world.scope) as session:
        found = await compared(session, baseline, "channel_only")
    told = {one.record_key: one.source_unreadable for one in found.items if one.source_unreadable}
    assert list(told) == ["SKU-001"]
    assert "float" in told["SKU-001"]
    visit = await site.signed_in(house.host, house.admin)
    page = (await visit.get(f"/clients/{house.slug}/baselines/{baseline}?which=channel_only")).text
    assert "Not an exact value: not taken over" in page
    assert await world.rows("SELECT record_key FROM governance_exception WHERE state = 'open' ORDER BY 1") == [
        ("SKU-001",), ("SKU-002",),
    ]  # fmt: skip


async def test_long_lists_lead_on_page_by_page(site: WebApp, world: ClientEnv, house: House) -> None:
    baseline = await read(world)
    visit = await site.signed_in(house.host, house.approver)
    seen: list[str] = []
    path = f"{root_of(house)}/{baseline}?which=equal"
    while path:
        page = (await visit.get(path)).text
        seen += re.findall(r'class="lead nowrap">\s*<[^>]*>(SKU-\d+)<', page)
        following = re.search(r'href="([^"]*which=equal&(?:amp;)?cursor=[^"]+)"\s+rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == sorted(seen)
    assert len(seen) == 80


async def test_roles(site: WebApp, world: ClientEnv, house: House) -> None:
    baseline = await read(world)
    await add_member(
        world.services,
        world.scope,
        NewAccountMember(f"boss-{house.slug}@example.test", "Boss", PASSWORD, "client_admin"),
    )
    await add_member(
        world.services,
        world.msp_account,
        NewAccountMember(f"op-{house.slug}@example.test", "Op", PASSWORD, "msp_operator"),
    )
    root, address = root_of(house), f"{root_of(house)}/{baseline}"
    approver = await site.signed_in(house.host, house.approver)
    page = (await approver.get(address)).text
    assert "Ready for acceptance" in page
    assert "Accept this baseline" not in page
    for path in (root, f"{address}/accept", f"{address}/discard"):
        assert (await approver.post(path)).status_code == 403, path
    operator = await site.signed_in(house.host, f"op-{house.slug}@example.test")
    assert (await operator.post(f"{address}/accept")).status_code == 403
    partner = await site.signed_in(house.host, house.partner)
    assert [(await partner.get(path)).status_code for path in (root, address)] == [403, 403]
    again = await operator.post(root)
    assert again.status_code == 303
    await world.work()
    boss = await site.signed_in(house.host, f"boss-{house.slug}@example.test")
    await boss.get(root)
    await accepted(world, boss, again.headers["location"])
    assert await world.rows("SELECT decided_by FROM baseline WHERE state = 'accepted'") == [("Boss",)]


async def test_a_refused_act_shows_the_page_with_the_reason(site: WebApp, world: ClientEnv, house: House) -> None:
    baseline = await read(world)
    visit, address = await site.signed_in(house.host, house.admin), f"{root_of(house)}/{baseline}"
    await visit.get(address)
    await accepted(world, visit, address)
    for act in ("accept", "discard"):
        late = await visit.post(f"{address}/{act}")
        assert late.status_code == 409
        assert "This baseline is accepted" in late.text


async def test_another_client_finds_nothing(
    site: WebApp, world: ClientEnv, other_world: ClientEnv, house: House
) -> None:
    theirs = await furnish(other_world, name="Other")
    baseline = await read(other_world)
    visit = await site.signed_in(house.host, house.admin)
    for path in (f"{root_of(house)}/{baseline}", f"{root_of(theirs)}/{baseline}", root_of(theirs)):
        assert (await visit.get(path)).status_code == 404, path
        assert (await visit.api("GET", f"/api/v1{path}")).status_code == 404, path
    await visit.get(root_of(house))
    assert (await visit.post(f"{root_of(house)}/{baseline}/accept")).status_code == 404
    assert await other_world.rows("SELECT state FROM baseline") == [("ready",)]


async def test_the_api_does_the_same(site: WebApp, world: ClientEnv, house: House) -> None:
    set_in_shop(world, version=7, SKU_001=1_060, SKU_002=1_000)
    visit, root = await site.signed_in(house.host, house.admin), f"/api/v1{root_of(house)}"
    await visit.get(root_of(house))
    begun = await visit.api("POST", root)
    assert begun.status_code == 202, begun.text
    address = f"{root}/{begun.json()['id']}"
    await world.work()
    told = (await visit.api("GET", address)).json()
    assert (told["state"], [(part["name"], part["differs"], part["listed"]) for part in told["parts"]]) == (
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
    await world.work(settle=20.0)
    told = (await visit.api("GET", address)).json()
    assert (told["state"], told["automatic"], told["awaiting"]) == ("accepted", 1, 1)
    assert [item["id"] for item in (await visit.api("GET", root)).json()["items"]] == [told["id"]]


async def test_a8_a_channels_inexact_value_is_shown_as_it_was_read(
    site: WebApp, house: House, world: ClientEnv
) -> None:
    """On the page and in the API; neither as nothing nor rounded."""
    odd = "10.9951 USD\u202e\x1b with 4 digits"

    def answer(*key: str) -> ChannelReading:
        sku, element, *_ = key
        if element == PRICE and sku in {"SKU-001", "OWN-1"}:
            return ChannelReading(ElementKey(*key), None, 9, unreadable=odd)
        return ChannelReading(ElementKey(*key), None)

    listed = ScriptedCatalogue(lambda cursor, before: KeyPage(["OWN-1"], "", more=False))
    replace_part(world, "sandbox-shop", channel=ScriptedChannel(answer), catalogue=listed)
    baseline = await read(world)
    visit = await site.signed_in(house.host, house.admin)
    for which in ("differs", "channel_only"):
        page = (await visit.get(f"/clients/{house.slug}/baselines/{baseline}?which={which}")).text
        row = page.split("Compared values, by record")[1]
        assert "10.9951 USD⟨U+202E⟩" in row
        assert not set(page) & {"\u202e", "\x1b"}
        assert "Not an exact value" in row
        async with world.services.db.transaction(world.scope) as session:
            found = await compared(session, baseline, which)
        assert [(one.shown, one.unreadable[:11]) for one in found.items if one.unreadable] == [(None, "10.9951 USD")]
