"""Webhooks to receivers: contents, order, number of attempts, isolation from other accounts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from canonical.elements import STOCK
from foundation.clock import utc_now
from foundation.errors import Forbidden
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit
from tests.support.webhook_receiver import Heard, WebhookReceiver
from tests.webhooks.conftest import Api, as_msp
from webhooks.emit import emit
from webhooks.endpoints import send_now
from webhooks.event_types import CONNECTION_PAUSED, ConnectionPayload
from webhooks.schedule import MOST_ATTEMPTS
from webhooks.send_job import LONGEST_RESPONSE
from webhooks.services import WebhookServices

pytestmark = pytest.mark.asyncio(loop_scope="module")


def verify(heard: Heard, secret: str) -> dict[str, Any]:
    """Verify with the standard's own library."""
    return dict(Webhook(secret).verify(heard.body, dict(heard.headers)))


async def emit_and_send(env: ClientEnv, *names: str) -> None:
    """Emit events that need no other job, and send them."""
    async with env.services.db.transaction(env.scope) as session:
        for name in names:
            payload = ConnectionPayload(env.erp, name)
            emit(session, CONNECTION_PAUSED, subject=f"connections/{name}", payload=payload, at=utc_now())
    await env.work()


async def resend(env: ClientEnv, endpoint: str) -> None:
    """Make the next attempt due."""
    async with env.services.db.transaction(env.scope) as session:
        await send_now(session, msgspec.convert(endpoint, type=type(env.erp)), now=utc_now())
    await env.work()


async def fail_since(env: ClientEnv, ago: timedelta) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE webhook_endpoint SET failing_since = :at"), {"at": utc_now() - ago})


def subjects(receiver: WebhookReceiver) -> list[str]:
    return [one.event["subject"].rpartition("/")[2] for one in receiver.heard]


async def test_a_change_arrives_signed_as_a_cloud_event(
    env: ClientEnv, api: Api, receiver: WebhookReceiver, msp_setup: MspSetup
) -> None:
    _, secret = await api.add(receiver)
    await env.deliver(env.change("SKU-001", STOCK, 7))
    await env.work(until="SELECT count(*) = 3 FROM webhook_delivery WHERE state = 'delivered'")
    assert sorted(receiver.types) == ["change.published", "change.published", "change.released"]
    assert receiver.types[0] == "change.released"
    for heard in receiver.heard:
        body = verify(heard, secret)
        event = from_http_event(HTTPMessage(dict(heard.headers), heard.body))
        assert (event.get_id(), event.get_type(), event.get_source()) == (
            heard.headers["webhook-id"], body["type"], f"/clients/{msp_setup.slug}",
        )  # fmt: skip
        assert isinstance(event.get_data(), dict)
        assert body["data"]["record_key"] == "SKU-001"
    assert receiver.heard[0].event["data"]["new"] == {"type": "quantity", "amount": "7", "unit": "H87"}
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 43 + "=").verify(receiver.heard[0].body, dict(receiver.heard[0].headers))


async def test_nothing_names_the_product(env: ClientEnv, api: Api, receiver: WebhookReceiver) -> None:
    await api.add(receiver, "connection.paused")
    await emit_and_send(env, "one")
    [heard] = receiver.heard
    assert b"fairlead" not in (str(heard.headers).encode() + heard.body).lower()
    assert heard.headers["user-agent"] == "webhooks/1"
    assert heard.headers["content-type"].startswith("application/cloudevents+json")


async def test_a_failing_event_holds_up_its_own_endpoint_only(
    env: ClientEnv, api: Api, receiver: WebhookReceiver, second_receiver: WebhookReceiver
) -> None:
    receiver.refuse(500, body=b"no " * 2000, retry_after="600")  # longer than the test
    failing, _ = await api.add(receiver, "connection.paused")
    await api.add(second_receiver, "connection.paused")
    await emit_and_send(env, "one", "two")
    await emit_and_send(env, "three")
    assert subjects(second_receiver) == ["one", "two", "three"]
    assert subjects(receiver) == ["one"]
    view = await api.read(failing)
    assert (view["pending"], view["state"]) == (3, "active")
    assert view["failing_since"] is not None
    await resend(env, failing)
    assert subjects(receiver) == ["one", "one", "two", "three"]
    assert receiver.heard[0].body == receiver.heard[1].body
    assert receiver.heard[0].headers["webhook-id"] == receiver.heard[1].headers["webhook-id"]
    first, *_ = await api.deliveries(failing)
    detail = (await api.call("GET", f"/{failing}/deliveries/{first['id']}")).json()
    assert [one["status_code"] for one in detail["attempts"]] == [204, 500]
    assert len(detail["attempts"][1]["response"]) == LONGEST_RESPONSE
    assert detail["body"] == receiver.heard[0].event
    assert (await api.read(failing))["failing_since"] is None


async def test_retry_after_is_honoured(env: ClientEnv, api: Api, receiver: WebhookReceiver) -> None:
    receiver.refuse(503, retry_after="1800")
    endpoint, _ = await api.add(receiver, "connection.paused")
    before = utc_now()
    await emit_and_send(env, "one")
    [delivery] = await api.deliveries(endpoint)
    next_at = datetime.fromisoformat(delivery["next_at"])
    assert before + timedelta(seconds=1800) <= next_at < utc_now() + timedelta(seconds=1900)


async def test_an_event_fails_after_its_last_attempt_and_the_next_is_sent(
    env: ClientEnv, api: Api, receiver: WebhookReceiver
) -> None:
    receiver.refuse(400)
    endpoint, _ = await api.add(receiver, "connection.paused")
    async with env.services.db.transaction(env.scope) as session:
        payload = ConnectionPayload(env.erp, "one")
        emit(session, CONNECTION_PAUSED, subject="connections/one", payload=payload, at=utc_now())
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE webhook_delivery SET attempts = :n"), {"n": MOST_ATTEMPTS - 1})
    await emit_and_send(env, "two")
    assert [one["state"] for one in await api.deliveries(endpoint)] == ["failed", "delivered"]


async def test_both_secrets_sign_after_a_rotation(env: ClientEnv, api: Api, receiver: WebhookReceiver) -> None:
    endpoint, old = await api.add(receiver, "connection.paused")
    rotated = await api.call("POST", f"/{endpoint}/secret")
    assert rotated.status_code == 201
    new = rotated.json()["secret"]
    await emit_and_send(env, "one")
    [heard] = receiver.heard
    assert len(heard.headers["webhook-signature"].split()) == 2
    assert verify(heard, old) == verify(heard, new)
    async with env.services.db.transaction(env.scope) as session:
        gone = text("UPDATE webhook_secret SET expires_at = :now WHERE expires_at IS NOT NULL")
        await session.execute(gone, {"now": utc_now()})
    await emit_and_send(env, "two")
    verify(receiver.heard[1], new)
    with pytest.raises(WebhookVerificationError):
        verify(receiver.heard[1], old)


async def test_secrets_are_encrypted_and_in_no_answer(
    env: ClientEnv, api: Api, receiver: WebhookReceiver, msp_setup: MspSetup
) -> None:
    endpoint, secret = await api.add(receiver, "connection.paused")
    await emit_and_send(env, "one")
    [delivery] = await api.deliveries(endpoint)
    shown = [
        (await api.call("GET", path)).text for path in ("", f"/{endpoint}", f"/{endpoint}/deliveries/{delivery['id']}")
    ]
    page = f"/clients/{msp_setup.slug}/webhooks"
    pages = (page, f"{page}/{endpoint}", f"{page}/{endpoint}/deliveries/{delivery['id']}")
    shown += [(await api.visit.get(path)).text for path in pages]
    assert all(answer and secret not in answer for answer in shown)
    stored = await env.rows("SELECT ciphertext FROM webhook_secret")
    audited = await env.rows("SELECT body FROM audit_entry WHERE action LIKE 'webhook%'")
    assert secret.encode() not in b"".join(row[0] for row in stored if isinstance(row[0], bytes))
    assert audited
    assert "of-the-receiver" not in str(audited)
    assert secret not in str(audited)


async def test_an_endpoint_that_fails_for_days_is_paused_and_people_see_it(
    env: ClientEnv, api: Api, receiver: WebhookReceiver, msp_setup: MspSetup
) -> None:
    endpoint, _ = await api.add(receiver, "connection.paused")
    receiver.refuse(500, times=2, retry_after="600")
    await emit_and_send(env, "one")
    await fail_since(env, timedelta(days=4, hours=23))
    await resend(env, endpoint)
    assert (await api.read(endpoint))["state"] == "active"
    receiver.refuse(500, retry_after="600")
    await fail_since(env, timedelta(days=5))
    await resend(env, endpoint)
    view = await api.read(endpoint)
    assert (view["state"], view["paused_for"], view["pending"]) == ("paused", "failing", 1)
    [exception] = await env.exceptions("code = 'webhook.paused'")
    assert exception.state == "open"
    assert exception.params["name"] == "127.0.0.1"
    page = await api.visit.get(f"/clients/{msp_setup.slug}/webhooks/{endpoint}")
    assert "Paused because it failed for days" in page.text
    await emit_and_send(env, "two")
    assert subjects(receiver) == ["one"] * 3
    assert (await api.call("POST", f"/{endpoint}/test")).status_code == 409
    assert (await api.call("DELETE", f"/{endpoint}/pause")).status_code == 204
    await env.work()
    assert subjects(receiver)[3:] == ["one", "two"]
    [exception] = await env.exceptions("code = 'webhook.paused'")
    assert exception.state == "resolved"


async def test_a_receiver_that_is_gone_gets_no_more_requests(
    env: ClientEnv, api: Api, receiver: WebhookReceiver
) -> None:
    receiver.refuse(410)
    endpoint, _ = await api.add(receiver, "connection.paused")
    await emit_and_send(env, "one", "two")
    view = await api.read(endpoint)
    assert (view["state"], view["paused_for"], len(receiver.heard)) == ("paused", "gone", 1)


async def test_events_are_sent_again_one_and_all_of_a_time(env: ClientEnv, api: Api, receiver: WebhookReceiver) -> None:
    endpoint, secret = await api.add(receiver, "connection.paused")
    await emit_and_send(env, "one", "two")
    first, _ = await api.deliveries(endpoint)
    again = await api.call("POST", f"/{endpoint}/deliveries/{first['id']}/replay")
    assert (again.status_code, again.json()["delivery"]["is_replay"]) == (200, True)
    await env.work()
    assert subjects(receiver) == ["one", "two", "one"]
    assert receiver.heard[2].headers["webhook-id"] == receiver.heard[0].headers["webhook-id"]
    verify(receiver.heard[2], secret)
    since, until = utc_now() - timedelta(hours=1), utc_now() + timedelta(seconds=1)
    body = {"since": since.isoformat(), "until": until.isoformat()}
    assert (await api.call("POST", f"/{endpoint}/replay", body)).json() == {"replayed": 2}
    await env.work()
    assert subjects(receiver)[3:] == ["one", "two"]
    later = {"since": until.isoformat(), "until": (until + timedelta(days=1)).isoformat()}
    assert (await api.call("POST", f"/{endpoint}/replay", later)).json() == {"replayed": 0}
    assert (await api.call("POST", f"/{endpoint}/replay", {**later, "until": later["since"]})).status_code == 422


async def test_a_test_event_reaches_its_endpoint_only(
    env: ClientEnv, api: Api, receiver: WebhookReceiver, second_receiver: WebhookReceiver
) -> None:
    endpoint, secret = await api.add(receiver, "connection.paused")
    await api.add(second_receiver, "connection.paused")
    sent = await api.call("POST", f"/{endpoint}/test")
    assert sent.status_code == 202
    await env.work()
    assert verify(receiver.heard[0], secret)["type"] == "webhook.test"
    assert receiver.heard[0].headers["webhook-id"] == sent.json()["message_id"]
    assert second_receiver.heard == []


async def test_a_pending_event_is_skipped_so_that_the_next_is_sent(
    env: ClientEnv, api: Api, receiver: WebhookReceiver
) -> None:
    receiver.refuse(500, retry_after="600")
    endpoint, _ = await api.add(receiver, "connection.paused")
    await emit_and_send(env, "one", "two")
    first, second = await api.deliveries(endpoint)
    assert (await api.call("POST", f"/{endpoint}/deliveries/{first['id']}/skip")).status_code == 204
    await env.work()
    assert subjects(receiver) == ["one", "two"]
    assert [one["state"] for one in await api.deliveries(endpoint)] == ["skipped", "delivered"]
    assert (await api.call("POST", f"/{endpoint}/deliveries/{second['id']}/skip")).status_code == 409


async def test_an_event_of_a_transaction_that_is_rolled_back_is_never_sent(
    env: ClientEnv, api: Api, receiver: WebhookReceiver
) -> None:
    endpoint, _ = await api.add(receiver, "connection.paused")

    async def fail_late() -> None:
        async with env.services.db.transaction(env.scope) as session:
            payload = ConnectionPayload(env.erp, "one")
            emit(session, CONNECTION_PAUSED, subject="connections/one", payload=payload, at=utc_now())
            raise Forbidden("Rolled back.")

    with pytest.raises(Forbidden):
        await fail_late()
    await env.work()
    assert (receiver.heard, await api.deliveries(endpoint)) == ([], [])


async def test_pausing_a_connection_sends_an_event(env: ClientEnv, api: Api, receiver: WebhookReceiver) -> None:
    await api.add(receiver, "connection.paused", "connection.resumed", "exception.opened", "exception.closed")
    connection = f"{api.root}/connections/{env.erp}"
    headers = {"X-CSRF-Token": api.visit.token}
    for act in ("pause", "resume"):
        done = await api.visit.http.post(f"{connection}/{act}", headers=headers)
        assert done.status_code < 300, done.text
        await env.work()
    assert {"connection.paused", "connection.resumed"} <= set(receiver.types)
    assert {"exception.opened", "exception.closed"} <= set(receiver.types)
    [opened] = [one.event["data"] for one in receiver.heard if one.event["type"] == "exception.opened"]
    assert opened["code"] == "connection.paused"


async def test_an_endpoint_of_an_msp_gets_events_of_its_clients_and_no_others(  # noqa: PLR0917 - fixtures
    env: ClientEnv,
    api: Api,
    msp_api: Api,
    other_env: ClientEnv,
    receiver: WebhookReceiver,
    second_receiver: WebhookReceiver,
    msp_setup: MspSetup,
) -> None:
    endpoint, secret = await msp_api.add(receiver, "connection.paused")
    await api.add(second_receiver, "connection.paused")
    await emit_and_send(env, "one", "two")
    await emit_and_send(other_env, "of another MSP")
    await as_msp(env).work()
    await as_msp(other_env).work()
    assert subjects(receiver) == subjects(second_receiver) == ["one", "two"]
    assert verify(receiver.heard[0], secret)["source"] == f"/clients/{msp_setup.slug}"
    own = await env.rows("SELECT DISTINCT endpoint_id FROM webhook_delivery")
    assert len(own) == 1, "a client's account holds its own deliveries only"
    assert (await api.call("GET", f"/{endpoint}")).status_code == 404


async def test_another_msp_finds_nothing(
    env: ClientEnv,
    api: Api,
    stranger: tuple[Visit, MspSetup],
    receiver: WebhookReceiver,
) -> None:
    endpoint, _ = await api.add(receiver, "connection.paused")
    await emit_and_send(env, "one")
    [delivery] = await api.deliveries(endpoint)
    visit, other = stranger
    for root in (f"/api/v1/clients/{other.slug}", "/api/v1"):
        theirs = Api(visit, root)
        for method, path, body in (
            ("GET", f"/{endpoint}", None), ("PATCH", f"/{endpoint}", {}), ("DELETE", f"/{endpoint}", None),
            ("POST", f"/{endpoint}/secret", None), ("POST", f"/{endpoint}/test", None),
            ("POST", f"/{endpoint}/pause", None), ("DELETE", f"/{endpoint}/pause", None),
            ("POST", f"/{endpoint}/replay", {"since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"}),
            ("GET", f"/{endpoint}/deliveries", None), ("GET", f"/{endpoint}/deliveries/{delivery['id']}", None),
            ("POST", f"/{endpoint}/deliveries/{delivery['id']}/replay", None),
            ("POST", f"/{endpoint}/deliveries/{delivery['id']}/skip", None),
        ):  # fmt: skip
            assert (await theirs.call(method, path, body)).status_code == 404, (method, path)
        assert (await theirs.call("GET")).json()["items"] == []
    assert len(receiver.heard) == 1


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/x", "http://169.254.169.254/latest", "https://[::1]/", "ftp://example.com/", "x",
            "https://user:pw@example.com/", "http://8.8.8.8/"]
)  # fmt: skip
async def test_addresses_inside_are_refused(api: Api, url: str, receiver: WebhookReceiver) -> None:
    refused = await api.call("POST", "", {"url": url, "event_types": ["connection.paused"]})
    assert refused.status_code == 422, refused.text
    endpoint, _ = await api.add(receiver, "connection.paused")
    changed = await api.call("PATCH", f"/{endpoint}", {"url": url}, **{"If-Match": '"0"'})
    assert changed.status_code == 422


async def test_endpoints_are_changed_by_revision_and_deleted(
    env: ClientEnv, api: Api, receiver: WebhookReceiver
) -> None:
    endpoint, _ = await api.add(receiver, "connection.paused")
    changes = {"event_types": ["connection.resumed", "connection.resumed"], "description": "Orders"}
    changed = await api.call("PATCH", f"/{endpoint}", changes, **{"If-Match": '"0"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"1"')
    assert changed.json()["event_types"] == ["connection.resumed"]
    assert (await api.call("PATCH", f"/{endpoint}", changes, **{"If-Match": '"0"'})).status_code == 412
    assert (await api.call("PATCH", f"/{endpoint}", changes)).status_code == 428
    unknown = await api.call("PATCH", f"/{endpoint}", {"event_types": ["no.such"]}, **{"If-Match": '"1"'})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "event_types")
    await emit_and_send(env, "one")
    assert receiver.heard == []
    assert (await api.call("DELETE", f"/{endpoint}", **{"If-Match": '"1"'})).status_code == 204
    assert (await api.call("GET", f"/{endpoint}")).status_code == 404
    assert await env.rows("SELECT 1 FROM webhook_secret") == []


async def test_event_types_have_schemas(api: Api, webhook_services: WebhookServices) -> None:
    listed = await api.visit.api("GET", f"{api.root}/webhook-event-types")
    names = [one["name"] for one in listed.json()["items"]]
    assert names == sorted(webhook_services.event_types)
    assert {"change.released", "change.published", "exception.opened", "connection.paused"} <= set(names)
    assert "webhook.test" not in names
    assert all("$defs" in one["schema"] and one["about"] for one in listed.json()["items"])


async def test_events_reach_the_log_with_the_time_of_what_they_report(
    env: ClientEnv, api: Api, receiver: WebhookReceiver
) -> None:
    endpoint, _ = await api.add(receiver, "connection.paused")
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    async with env.services.db.transaction(env.scope) as session:
        emit(
            session, CONNECTION_PAUSED, subject="connections/x", payload=ConnectionPayload(env.erp, "x"), at=at
        )  # fmt: skip
    await env.work()
    assert receiver.heard[0].event["time"] == "2026-03-01T12:00:00Z"
    [delivery] = await api.deliveries(endpoint, status="delivered", event_type="connection.paused")
    assert delivery["attempts"] == 1
    assert await api.deliveries(endpoint, status="failed") == []
