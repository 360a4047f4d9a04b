"""Adding, testing, changing and deleting of connections over the API, against sandbox systems."""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from canonical.elements import PRICE, STOCK
from connectors.registry import build_registry
from connectors.webhooks.directory import HOOK_SECRET
from foundation.errors import NotFound, Unauthenticated
from governance.connections.settings.forms import OFFERED, SECRET, new_input, offered_secret
from tests.connectors.running import TOKEN
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

Body = dict[str, Any]


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(web_app: WebApp, other_env: ClientEnv) -> Visit:
    """A connection of another MSP."""
    other = await set_up_msp(other_env, name="Elsewhere")
    return await web_app.signed_in(other.host, other.admin)


@pytest.fixture
def root(msp_setup: MspSetup) -> str:
    return f"/api/v1/clients/{msp_setup.slug}/connections"


def shop(env: ClientEnv, **changes: object) -> Body:
    url = env.urls["shop0"]
    return {"kind": "sandbox-shop", "name": "New shop", "base_url": url, "secrets": {"api_key": TOKEN}, **changes}


async def call(visit: Visit, method: str, path: str, body: object = None, *, etag: str = "") -> Any:
    headers = {"X-CSRF-Token": visit.token, "Accept": "application/json"} | ({"If-Match": etag} if etag else {})
    return await visit.http.request(method, path, json=body, headers=headers)


async def test_the_catalogue_has_every_connector_with_its_fields(root: str, admin: Visit) -> None:
    found = (await admin.api("GET", root.replace("/connections", "/connectors"))).json()["items"]
    by_kind = {each["kind"]: each for each in found}
    assert {"tryton", "vendure", "sandbox-erp", "sandbox-shop", "sandbox-market"} == set(by_kind)
    fields = {field["name"]: field for field in by_kind["vendure"]["fields"]}
    assert (fields["password"]["kind"], fields["password"]["required"]) == ("secret", True)
    assert fields["prices_include_tax"]["choices"] == ["yes", "no"]


async def test_a_test_reports_its_findings_and_saves_nothing(root: str, admin: Visit, env: ClientEnv) -> None:
    before = await env.rows("SELECT count(*) FROM connection")
    good = (await admin.api("POST", f"{root}/test", shop(env))).json()
    assert (good["outcome"], good["reachable"], good["signed_in"]) == ("passed", True, True)
    assert good["records"] > 0
    assert good["sample"]
    bad = (await admin.api("POST", f"{root}/test", shop(env, secrets={"api_key": "wrong"}))).json()
    assert (bad["outcome"], bad["reachable"], bad["signed_in"]) == ("sign_in_refused", True, False)
    address = shop(env)["base_url"]
    gone = (await admin.api("POST", f"{root}/test", shop(env, base_url=f"{address}-gone"))).json()
    assert gone["outcome"] == "wrong_address"
    away = (await admin.api("POST", f"{root}/test", shop(env, base_url="http://127.0.0.1:9"))).json()
    assert (away["outcome"], away["reachable"]) in {("unreachable", False), ("address_refused", False)}
    assert await env.rows("SELECT count(*) FROM connection") == before


@pytest.mark.parametrize(
    "address", ["https://169.254.169.254/latest", "https://10.0.0.7", "https://[::1]/", "https://192.168.1.1"]
)
async def test_no_test_calls_an_address_that_is_not_public(
    root: str, admin: Visit, env: ClientEnv, address: str
) -> None:
    found = (await admin.api("POST", f"{root}/test", shop(env, base_url=address))).json()
    assert (found["outcome"], found["reachable"]) == ("address_refused", False)
    refused = await admin.api("POST", root, shop(env, base_url=address))
    assert (refused.status_code, refused.json()["outcome"]) == (422, "address_refused")


@pytest.mark.parametrize("address", ["ftp://shop.example", "shop.example", "https://u:p@shop.example", "https://a b"])
async def test_an_address_of_another_form_is_refused(root: str, admin: Visit, env: ClientEnv, address: str) -> None:
    for path in (root, f"{root}/test"):
        refused = await admin.api("POST", path, shop(env, base_url=address))
        assert (refused.status_code, refused.json()["field"]) == (422, "base_url")


async def test_a_connection_is_added_once_its_test_passed(root: str, admin: Visit, env: ClientEnv) -> None:
    refused = await admin.api("POST", root, shop(env, secrets={"api_key": "wrong"}))
    assert (refused.status_code, refused.json()["outcome"]) == (422, "sign_in_refused")
    made = await admin.api("POST", root, shop(env, credentials_expire_on="2027-03-31", jurisdiction="DE"))
    assert made.status_code == 201, made.text
    body = made.json()
    assert made.headers["etag"] == '"1"'
    assert (body["environment"], body["jurisdiction"]) == ("sandbox", "DE")
    assert body["credentials_expire_on"] == "2027-03-31"
    assert TOKEN not in made.text
    [secret] = body["credentials"]
    assert (secret["is_set"], secret["set_by"]) == (True, "Admin Calm Harbour")
    assert secret["set_at"]
    away = shop(env, name="Later", base_url="http://127.0.0.1:9", skip_test=True)
    assert (await admin.api("POST", root, away)).status_code == 201


async def test_new_credentials_replace_the_old_ones_once_they_passed(root: str, admin: Visit, env: ClientEnv) -> None:
    one = f"{root}/{(await admin.api('POST', root, shop(env))).json()['id']}"
    tag = (await admin.api("GET", one)).headers["etag"]
    assert (await call(admin, "PATCH", one, {"name": "Other"})).status_code == 428
    assert (await call(admin, "PATCH", one, {"name": "Other"}, etag='"99"')).status_code == 412
    wrong = await call(admin, "PATCH", one, {"secrets": {"api_key": "wrong"}, "name": "Other"}, etag=tag)
    assert (wrong.status_code, wrong.json()["outcome"]) == (422, "sign_in_refused")
    assert (await admin.api("GET", one)).json()["name"] == "New shop"
    assert (await admin.api("POST", f"{one}/test", {})).json()["outcome"] == "passed"
    saved = await call(admin, "PATCH", one, {"secrets": {"api_key": TOKEN}, "name": "Other"}, etag=tag)
    assert (saved.status_code, saved.json()["name"], saved.headers["etag"]) == (200, "Other", '"2"')
    assert (await call(admin, "PATCH", one, {"name": "Third"}, etag=tag)).status_code == 412
    [(body,)] = await env.rows("SELECT body FROM audit_entry WHERE action = 'connection.changed'")
    assert '"api_key"' in str(body).replace("'", '"')
    assert TOKEN not in str(body)


async def test_stored_credentials_are_not_sent_to_another_address(root: str, admin: Visit, env: ClientEnv) -> None:
    one = f"{root}/{(await admin.api('POST', root, shop(env))).json()['id']}"
    elsewhere = {"base_url": "http://127.0.0.1:9/shop", "skip_test": True}
    for refused in (
        await call(admin, "PATCH", one, elsewhere, etag='"1"'),
        await admin.api("POST", f"{one}/test", elsewhere),
    ):
        assert (refused.status_code, refused.json()["field"]) == (422, "api_key")
    both = elsewhere | {"secrets": {"api_key": "another"}}
    assert (await call(admin, "PATCH", one, both, etag='"1"')).status_code == 200


async def test_no_value_passes_between_live_and_sandbox(root: str, admin: Visit, env: ClientEnv) -> None:
    """The ERP is live, and so are its channels; the new shop is a sandbox."""
    shop_id = UUID((await admin.api("POST", root, shop(env, environment="sandbox"))).json()["id"])
    await env.deliver(env.change("SKU-001", STOCK, 7))
    await env.work(settle=1)
    reached = {row[0] for row in await env.rows("SELECT connection_id FROM propagation")}
    assert reached == set(env.channels.values())
    erp = f"{root}/{env.erp}"
    tag = (await admin.api("GET", erp)).headers["etag"]
    refused = await call(admin, "PATCH", erp, {"environment": "sandbox"}, etag=tag)
    assert (refused.status_code, refused.json()["field"]) == (409, "environment")
    moved = await call(admin, "PATCH", f"{root}/{shop_id}", {"environment": "live"}, etag='"1"')
    assert (moved.status_code, moved.json()["environment"]) == (200, "live")
    await env.deliver(env.change("SKU-001", STOCK, 8))
    await env.work(settle=1)
    assert shop_id in {row[0] for row in await env.rows("SELECT connection_id FROM propagation")}


async def test_deleting_a_source_removes_what_its_preview_lists(root: str, admin: Visit, env: ClientEnv) -> None:
    await env.deliver(env.change("SKU-001", PRICE, 1000))
    await env.work(settle=1)
    one = f"{root}/{env.erp}"
    preview = await admin.api("GET", f"{one}/deletion")
    body = preview.json()
    assert {each["element"] for each in body["contracts"]} >= {PRICE}
    assert all(each["becomes_manual"] for each in body["contracts"])
    assert (await call(admin, "DELETE", one, etag='"77"')).status_code == 412
    assert (await call(admin, "DELETE", one, etag=preview.headers["etag"])).status_code == 204
    assert (await admin.api("GET", one)).status_code == 404
    assert str(env.erp) not in (await admin.api("GET", root)).text
    assert await env.rows("SELECT 1 FROM connection_secret WHERE connection_id = :c", c=env.erp) == []
    assert await env.rows("SELECT 1 FROM element_contract WHERE source_connection_id = :c", c=env.erp) == []
    with pytest.raises((NotFound, Unauthenticated)):  # an address is cached for a second after its deletion
        await env.deliver(env.change("SKU-001", PRICE, 1100), secret="whsec_" + "A" * 32)
    changes = await admin.api("GET", f"{root.removesuffix('/connections')}/changes")
    assert "SKU-001" in changes.text


async def test_a_channel_is_deleted_with_its_deliveries(root: str, admin: Visit, env: ClientEnv) -> None:
    channel = next(iter(env.channels.values()))
    assert (await admin.api("POST", f"{root}/{channel}/pause")).status_code == 204
    await env.deliver(env.change("SKU-001", STOCK, 7))
    await env.work(settle=1)
    preview = await admin.api("GET", f"{root}/{channel}/deletion")
    assert (await call(admin, "DELETE", f"{root}/{channel}", etag=preview.headers["etag"])).status_code == 204
    running = "SELECT 1 FROM propagation WHERE connection_id = :c AND state NOT IN ('verified', 'superseded')"
    assert await env.rows(running, c=channel) == []
    assert await env.rows("SELECT 1 FROM job WHERE lane LIKE '%' || :c", c=str(channel)) == []
    assert await env.exceptions(f"state = 'open' AND connection_id = '{channel}'") == []
    await env.deliver(env.change("SKU-001", STOCK, 8))
    await env.work(settle=1)
    newest = await env.rows("SELECT connection_id FROM propagation ORDER BY released_at DESC LIMIT 1")
    assert newest != [(channel,)]


async def test_webhooks_record_their_time(root: str, admin: Visit, env: ClientEnv) -> None:
    assert "No webhook yet" in (await admin.get(root.removeprefix("/api/v1"))).text
    await env.deliver(env.change("SKU-001", PRICE, 1000))
    await env.work(settle=1)
    [found] = [each for each in (await admin.api("GET", root)).json()["items"] if each["id"] == str(env.erp)]
    assert found["last_message_at"] is not None


async def test_another_msp_finds_nothing_and_members_of_the_client_change_nothing(  # noqa: PLR0917 - fixtures
    root: str, admin: Visit, stranger: Visit, web_app: Any, msp_setup: MspSetup, env: ClientEnv
) -> None:
    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    one, page = f"{root}/{env.erp}", f"{root.removeprefix('/api/v1')}/{env.erp}"
    acts: list[tuple[str, str, object]] = [
        ("GET", f"{root.replace('/connections', '/connectors')}", None), ("GET", one, None),
        ("GET", f"{one}/deletion", None), ("POST", root, shop(env)), ("POST", f"{root}/test", shop(env)),
        ("POST", f"{one}/test", {}), ("PATCH", one, {"name": "Mine"}), ("DELETE", one, None),
    ]  # fmt: skip
    for method, path, body in acts:
        for etag in ("", '"1"'):
            assert (await call(stranger, method, path, body, etag=etag)).status_code == 404, path
        theirs = await call(approver, method, path, body, etag='"1"')
        assert theirs.status_code == (200 if method == "GET" else 403), path
    for path in (page, f"{page}/edit", f"{page}/delete", f"{page.rpartition('/')[0]}/new"):
        assert (await stranger.get(path)).status_code == 404, path
        assert (await approver.get(path)).status_code == (200 if path == page else 403), path
        assert (await admin.get(path)).status_code == 200, path


async def test_a_new_connection_uses_the_webhook_secret_that_its_form_offered(
    root: str, admin: Visit, env: ClientEnv
) -> None:
    page = f"{root.removeprefix('/api/v1')}/new"
    shown = offered_in((await admin.get(f"{page}/sandbox-erp")).text)
    assert shown != offered_in((await admin.get(f"{page}/sandbox-erp")).text)
    assert "offered_secret" not in (await admin.get(f"{page}/sandbox-shop")).text
    form = {"name": "Books", "environment": "sandbox", "offered_secret": shown, "skip_test": "on"}
    refused = await admin.post(f"{page}/sandbox-erp", form | {"base_url": ""})
    assert (refused.status_code, offered_in(refused.text)) == (422, shown)
    unseen = await admin.post(f"{page}/sandbox-erp", form | {"base_url": env.urls["erp"], "offered_secret": ""})
    assert unseen.status_code == 422
    made = await admin.post(f"{page}/sandbox-erp", form | {"base_url": env.urls["erp"]})
    assert made.status_code == 303, made.text
    assert shown not in (await admin.get(made.headers["location"])).text
    books = replace(env, erp=UUID(made.headers["location"].rpartition("/")[2]))
    await books.deliver(env.change("SKU-001", STOCK, 3), secret=shown)
    with pytest.raises(Unauthenticated):
        await books.deliver(env.change("SKU-001", STOCK, 4))


@pytest.mark.parametrize("kind", sorted(build_registry()))
async def test_every_kind_that_verifies_webhooks_by_a_secret_offers_one(kind: str) -> None:
    connector = build_registry()[kind]
    offered = offered_secret(connector.manifest, {})
    assert bool(offered) is connector.takes_webhooks
    if offered:
        assert new_input(kind, {"environment": "live", OFFERED: offered}).secrets == {HOOK_SECRET: offered}
        own = {"environment": "live", OFFERED: offered, f"{SECRET}{HOOK_SECRET}": "of the system"}
        assert new_input(kind, own).secrets == {HOOK_SECRET: "of the system"}
    assert new_input(kind, {"environment": "live", OFFERED: "made up"}).secrets == {}


def offered_in(page: str) -> str:
    """The secret offered for copying, which the form also sends."""
    [copied] = re.findall(r'id="offered-secret">([^<]+)</span>', page)
    assert f'name="offered_secret" value="{copied}"' in page
    return str(copied)


async def test_a_test_previews_real_records(root: str, admin: Visit, env: ClientEnv) -> None:
    before = [await env.rows(f"SELECT count(*) FROM {table}") for table in ("source_event", "record_value")]
    shown = (await admin.api("POST", f"{root}/test", shop(env))).json()["preview"]
    assert len({one["record_key"] for one in shown}) == 5
    assert {(one["record_type"], one["problem"]) for one in shown} == {("product", None)}
    prices = [one for one in shown if one["element"] == PRICE]
    assert len(prices) == 5
    assert all(one["value"]["currency"] == "USD" and one["value"]["amount"] for one in prices)
    erp = (await admin.api("POST", f"{root}/{env.erp}/test", {})).json()["preview"]
    assert {one["element"] for one in erp} >= {PRICE, STOCK}
    assert len({one["record_key"] for one in erp}) == 5
    page = await admin.post(f"{root.removeprefix('/api/v1')}/{env.erp}/test")
    assert erp[0]["record_key"] in page.text
    assert "Nothing of it is stored" in page.text
    refused = await admin.api("POST", f"{root}/test", shop(env, secrets={"api_key": "wrong"}))
    assert refused.json()["preview"] == []
    assert [await env.rows(f"SELECT count(*) FROM {table}") for table in ("source_event", "record_value")] == before


async def test_a_draft_is_read_by_baselines_and_gets_values_only_once_it_is_activated(
    root: str, admin: Visit, env: ClientEnv, msp_setup: MspSetup
) -> None:
    made = await admin.api("POST", root, shop(env, environment="live", draft=True))
    one = f"{root}/{made.json()['id']}"
    assert made.json()["state"] == "draft"
    listed = (await admin.api("GET", root)).json()["items"]
    assert {each["state"] for each in listed if each["name"] == "New shop"} == {"draft"}
    page = (await admin.get(one.removeprefix("/api/v1"))).text
    assert "This connection is a draft" in page
    assert (await admin.api("POST", f"{one}/pause")).status_code == 409
    await env.deliver(env.change("SKU-001", STOCK, 7))
    await env.work(settle=1)
    draft = UUID(made.json()["id"])
    sent = "SELECT count(*) FROM propagation WHERE connection_id = :c"
    assert await env.rows(sent, c=draft) == [(0,)]
    assert await env.exceptions("code = 'connection.paused'") == []
    baseline = (await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/baselines")).json()["id"]
    await env.work(settle=1)
    read = await env.rows("SELECT count(*) FROM baseline_reading WHERE connection_id = :c", c=draft)
    assert read[0][0] != 0
    async with env.services.db.transaction(env.msp_account) as session:
        notices = set(await session.scalars(text("SELECT href FROM notification WHERE kind = 'baseline.ready'")))
    assert notices == {f"/clients/{msp_setup.slug}/baselines/{baseline}"}
    assert (await admin.api("POST", f"{one}/resume")).status_code == 204
    assert (await admin.api("GET", one)).json()["state"] == "active"
    await env.work(settle=1)
    assert (await env.rows(sent, c=draft))[0][0] != 0


async def test_health_history_is_listed_over_the_api(root: str, admin: Visit, env: ClientEnv, stranger: Visit) -> None:
    shop_id = next(iter(env.channels.values()))
    assert (await admin.api("POST", f"{root}/{shop_id}/pause")).status_code == 204
    await env.work(settle=1)
    [spell] = (await admin.api("GET", f"{root}/{shop_id}/health-history")).json()["items"]
    assert (spell["code"], spell["until"]) == ("connection.paused", None)
    assert (await stranger.api("GET", f"{root}/{shop_id}/health-history")).status_code == 404
