"""Webhook intake over HTTP: an acknowledged delivery is durable, an unauthentic one is refused."""

import asyncio
import base64
import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import psycopg
import pytest

from canonical.elements import STOCK
from connectors.connections import rotate_hook_secret, set_connection_state
from connectors.states import ConnectionState
from connectors.webhooks.signatures import sign
from connectors.webhooks.writer import Stored
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.conftest import Urls
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def http(web_app: WebApp) -> httpx.AsyncClient:
    return web_app.visit("127.0.0.1").http


def body_of(env: ClientEnv, sku: str = "SKU-001", amount: int = 9) -> bytes:
    return msgspec.json.encode({"type": "changes", "changes": [env.change(sku, STOCK, amount)]})


def headers_for(
    env: ClientEnv, body: bytes, *, message_id: str = "", secret: str = "", age: timedelta = timedelta(0)
) -> dict[str, str]:
    key = (secret or env.hook_secret).encode()
    return sign(key, message_id=message_id or f"m_{new_id()}", sent_at=utc_now() - age, body=body)


async def post(http: httpx.AsyncClient, env: ClientEnv, body: bytes, **options: Any) -> httpx.Response:
    return await http.post(f"/hooks/{env.erp}", content=body, headers=headers_for(env, body, **options))


async def stored(env: ClientEnv) -> int:
    return int(str((await env.rows("SELECT count(*) FROM source_event"))[0][0]))


async def test_a_signed_delivery_is_durable_when_it_is_acknowledged(http: httpx.AsyncClient, env: ClientEnv) -> None:
    body = body_of(env)
    answer = await post(http, env, body)
    assert (answer.status_code, answer.json()) == (202, {"status": "new"})
    assert await env.rows("SELECT body, via FROM source_event") == [(body, "webhook")]
    assert await env.rows("SELECT kind FROM job") == [("governance.ingest_events",)]


async def test_the_body_is_stored_unchanged(http: httpx.AsyncClient, env: ClientEnv) -> None:
    body = b"\xef\xbb\xbf \r\n" + body_of(env).replace(b",", b" ,\t") + b"\n\x00\xff "
    assert (await post(http, env, body)).status_code == 202
    ((kept, body_hash),) = await env.rows("SELECT body, body_hash FROM source_event")
    assert kept == body
    assert body_hash == hashlib.sha256(body).digest()


async def test_deliveries_during_a_write_share_the_next_transaction(env: ClientEnv, urls: Urls) -> None:
    await env.deliver(env.change("SKU-001", STOCK, 1))  # from now on the address is cached
    with psycopg.connect(urls.owner) as owner:
        owner.execute("LOCK TABLE source_event IN EXCLUSIVE MODE")
        first = asyncio.create_task(env.deliver(env.change("SKU-001", STOCK, 2)))
        async with asyncio.timeout(60):
            while not await waits_for_events(urls):  # noqa: ASYNC110 - PostgreSQL has no event for it
                await asyncio.sleep(0.01)
            rest = [asyncio.create_task(env.deliver(env.change("SKU-001", STOCK, n))) for n in range(3, 61)]
            while len(env.writer._waiting) < len(rest):  # noqa: ASYNC110 - nor has the writer
                await asyncio.sleep(0.01)
    assert {await each for each in (first, *rest)} == {Stored.NEW}
    written = await env.rows("SELECT count(*), count(DISTINCT xmin::text) FROM source_event")
    assert written == [(60, 3)]


async def waits_for_events(urls: Urls) -> bool:
    async with await psycopg.AsyncConnection.connect(urls.owner, autocommit=True) as connection:
        found = await connection.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'source_event'::regclass"
        )
        return await found.fetchone() is not None


async def test_ten_deliveries_of_one_message_are_one(http: httpx.AsyncClient, env: ClientEnv) -> None:
    body = body_of(env)
    answers = await asyncio.gather(*(post(http, env, body, message_id="same") for _ in range(10)))
    assert sorted(answer.json()["status"] for answer in answers) == ["duplicate"] * 9 + ["new"]
    assert await stored(env) == 1
    assert await env.rows("SELECT count(*) FROM job") == [(1,)]


async def test_the_same_id_with_other_content_is_stored_too(http: httpx.AsyncClient, env: ClientEnv) -> None:
    await post(http, env, body_of(env), message_id="same")
    answer = await post(http, env, body_of(env, amount=10), message_id="same")
    assert answer.json() == {"status": "id-conflict"}
    assert await stored(env) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"secret": "whsec_AAAA"}, "signature"),
        ({"age": timedelta(minutes=6)}, "time"),
        ({"age": -timedelta(minutes=6)}, "time"),
    ],
)
async def test_unauthenticated_deliveries_are_refused_and_not_stored(
    http: httpx.AsyncClient, env: ClientEnv, options: dict[str, Any], sentence: str
) -> None:
    answer = await post(http, env, body_of(env), **options)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["correlation"]
    assert env.hook_secret not in answer.text
    assert sentence in answer.json()["detail"].lower()
    assert await stored(env) == 0


async def test_a_tampered_body_is_refused(http: httpx.AsyncClient, env: ClientEnv) -> None:
    body = body_of(env)
    answer = await http.post(f"/hooks/{env.erp}", content=body + b" ", headers=headers_for(env, body))
    assert answer.status_code == 401
    assert await stored(env) == 0


async def test_an_oversized_body_is_refused_while_it_is_read(http: httpx.AsyncClient, env: ClientEnv) -> None:
    body = b"x" * (1024 * 1024 + 1)
    answer = await http.post(f"/hooks/{env.erp}", content=body, headers=headers_for(env, body))
    assert answer.status_code == 413
    assert await stored(env) == 0


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"{", b"[]", b"null", b'{"type": "price.changed"}'])
async def test_malformed_but_authentic_bodies_are_stored_and_quarantined(
    http: httpx.AsyncClient, env: ClientEnv, body: bytes
) -> None:
    assert (await post(http, env, body)).status_code == 202
    await env.work()
    rows = await env.rows(
        "SELECT x.code, e.body FROM governance_exception x JOIN source_event e ON e.id = x.source_event_id"
    )
    assert rows == [("source.quarantined", body)]


@pytest.mark.parametrize("address", ["", "nonsense", str(UUID(int=3)), "../../etc/passwd"])
async def test_an_unknown_address_is_not_found(http: httpx.AsyncClient, env: ClientEnv, address: str) -> None:
    body = body_of(env)
    answer = await http.post(f"/hooks/{address}", content=body, headers=headers_for(env, body))
    assert answer.status_code in (404, 405)


async def test_a_secret_of_another_tenant_is_refused(
    http: httpx.AsyncClient, env: ClientEnv, other_env: ClientEnv
) -> None:
    body = body_of(env)
    headers = headers_for(other_env, body)
    assert (await http.post(f"/hooks/{env.erp}", content=body, headers=headers)).status_code == 401
    assert await stored(env) == 0
    assert await stored(other_env) == 0


async def test_a_secret_is_rotated_without_losing_a_delivery(http: httpx.AsyncClient, env: ClientEnv) -> None:
    old, new = env.hook_secret, "whsec_" + "bmV3IHNlY3JldCBmb3IgdGhlIHRlc3Q="
    async with env.services.db.transaction(env.scope) as session:
        await rotate_hook_secret(session, env.services.vault, env.erp, secret=new, now=utc_now())
    for secret in (old, new):
        assert (await post(http, env, body_of(env), secret=secret)).status_code == 202


async def test_a_paused_connection_refuses_deliveries(http: httpx.AsyncClient, env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await set_connection_state(session, env.erp, state=ConnectionState.PAUSED, now=utc_now())
    answer = await post(http, env, body_of(env))
    assert answer.status_code == 409
    assert "paused" in answer.json()["detail"]


async def test_a_cached_route_refuses_no_delivery_after_a_change(
    http: httpx.AsyncClient, env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resumption and a new secret, within the lifetime of cached addresses."""
    monkeypatch.setattr("connectors.webhooks.directory._REFRESH_SECONDS", 0.0)
    secret = env.hook_secret
    for state, status in (("paused", 409), ("active", 202)):
        async with env.services.db.transaction(env.scope) as session:
            await set_connection_state(session, env.erp, state=ConnectionState(state), now=utc_now())
        assert (await post(http, env, body_of(env))).status_code == status
    for n in range(2):  # the secret before the previous one is no longer valid
        secret = "whsec_" + base64.b64encode(bytes([n] * 24)).decode()
        async with env.services.db.transaction(env.scope) as session:
            await rotate_hook_secret(session, env.services.vault, env.erp, secret=secret, now=utc_now())
        assert (await post(http, env, body_of(env), secret=secret)).status_code == 202


async def test_a_delivery_the_database_refuses_does_not_fail_its_neighbours(
    http: httpx.AsyncClient, env: ClientEnv
) -> None:
    """A NUL in a header's text cannot be stored; the other deliveries of the group can."""
    good = [body_of(env, f"SKU-{n:03}") for n in range(1, 9)]
    bad = body_of(env, "SKU-010")
    headers = headers_for(env, bad) | {"content-type": "text/\x00plain"}
    answers = await asyncio.gather(
        *(post(http, env, body) for body in good),
        http.post(f"/hooks/{env.erp}", content=bad, headers=headers),
        return_exceptions=True,
    )
    assert [a.status_code for a in answers[:-1] if isinstance(a, httpx.Response)] == [202] * 8
    assert await stored(env) >= 8


async def test_only_post_is_accepted(http: httpx.AsyncClient, env: ClientEnv) -> None:
    assert (await http.get(f"/hooks/{env.erp}")).status_code == 405


async def test_an_aborted_delivery_is_not_answered_as_too_large(web_app: WebApp, env: ClientEnv) -> None:
    brought = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(brought)

    async def send(message: Any) -> None:
        sent.append(message)

    path = f"/hooks/{env.erp}"
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "root_path": "", "scheme": "http",
        "query_string": b"", "headers": [(b"host", b"127.0.0.1")], "http_version": "1.1", "asgi": {"version": "3.0"},
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {}, "extensions": {},
    }  # fmt: skip
    await web_app.app(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 400
    assert b"body-incomplete" in sent[1]["body"]
    assert await stored(env) == 0
