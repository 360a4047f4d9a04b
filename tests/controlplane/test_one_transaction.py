"""Each request is one transaction, begun after the last received byte and ended before the first sent one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session, SessionTransaction

from controlplane.services import Services
from foundation.database.engine import ScopedSession
from tests.conftest import Urls
from tests.controlplane.test_canary import fill, fitting, handlers, ids_by_parameter, live
from tests.support.client_env import ClientEnv
from tests.support.web_app import Visit, WebApp, running_web_app, set_up_msp

pytestmark = pytest.mark.slow

# These open their own transactions: sign-in and sign-out, unknown callers, or a request to another system first.
BY_THEMSELVES = (
    "/sign-in", "/sign-out", "/welcome", "/api/v1/mails/{mail_id:uuid}/send", "/payment-account/check",
    "/api/v1/payment-account/check",
)  # fmt: skip


class Watched:
    """The application, with the pool events of its requests."""

    def __init__(self, app: Any, services: Services) -> None:
        self._app = app
        self._engine = services.db.engine.sync_engine
        self.begun = 0
        self.open_while_waiting = 0
        self.open_while_answering = 0
        event.listen(ScopedSession, "after_begin", self._count)

    def evict(self) -> None:
        event.remove(ScopedSession, "after_begin", self._count)

    def start(self) -> None:
        self.begun = self.open_while_waiting = self.open_while_answering = 0

    def _count(self, session: Session, transaction: SessionTransaction, _connection: object) -> None:
        # The brand of a host is looked up occasionally, in a transaction without access to other rows.
        its_own = not transaction.nested and session.info["host"] is None
        self.begun += its_own and session.get_bind() is self._engine

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def watch_receive() -> Any:
            self.open_while_waiting += self._engine.pool.checkedout()  # type: ignore[attr-defined]
            return await receive()

        async def watch_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.open_while_answering += self._engine.pool.checkedout()  # type: ignore[attr-defined]
            await send(message)

        await self._app(scope, watch_receive, watch_send)


@pytest.fixture
async def web_app(services: Services, tmp_path: Path) -> AsyncIterator[WebApp]:
    async with running_web_app(services, tmp_path / "static") as running:
        running.observed = watched = Watched(running.observed, services)
        yield running
        watched.evict()


async def test_every_request_is_one_transaction(web_app: WebApp, env: ClientEnv, urls: Urls) -> None:
    mine = await set_up_msp(env, name="Calm Harbour")
    await live(env, "SKU-001")
    ids = ids_by_parameter(urls, mine)
    tried = succeeded = 0
    for who in (mine.partner, mine.approver, mine.admin):  # the admin's request suspends the client
        visit = await web_app.signed_in(mine.host, who)
        for method, template, opt in handlers(web_app.app):
            if "permission" not in opt or template.startswith(BY_THEMSELVES):
                continue
            if "sessions" in template or "sign-out" in template:
                continue  # one of them would be the caller's own
            for each in fitting(template, ids) if "_id:uuid}" in template else ids["change_id"][:1]:
                web_app.observed.start()
                answer = await ask(visit, method, fill(template, mine.slug, each))
                tried += 1
                succeeded += answer.status_code < 400
                watched, what = web_app.observed, f"{who}: {method} {template}: {answer.status_code}"
                assert answer.status_code < 500, what
                assert watched.begun <= 1, what
                assert watched.open_while_waiting == 0, what
                assert watched.open_while_answering == 0, what
    assert tried > 200
    assert succeeded > 60


async def test_a_machines_request_too(web_app: WebApp, env: ClientEnv) -> None:
    mine = await set_up_msp(env, name="Calm Harbour")
    admin = await web_app.signed_in(mine.host, mine.admin)
    keys = f"/api/v1/clients/{mine.slug}/api-keys"
    key = (await admin.api("POST", keys, {"name": "Shop", "role": "machine"})).json()["key"]
    shop = web_app.visit(mine.host)
    shop.http.headers["authorization"] = f"Bearer {key}"
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE element_contract SET source_connection_id = NULL"))
    wish = {
        "record_key": "SKU-001",
        "element": "price.list",
        "value": {"type": "money", "amount": "10.40", "currency": "USD"},
    }
    changes = f"/api/v1/clients/{mine.slug}/changes"
    # A key is looked up in a transaction of its own first: bodies of unauthenticated callers are not read.
    for method, path, body, begun in (("GET", changes, None, 1), ("POST", changes, wish, 2)):
        web_app.observed.start()
        answer = await shop.api(method, path, body)
        assert answer.status_code in (200, 201), answer.text
        watched = web_app.observed
        assert (watched.begun, watched.open_while_waiting, watched.open_while_answering) == (begun, 0, 0)


async def ask(visit: Visit, method: str, path: str) -> httpx.Response:
    if path.startswith("/api/"):
        return await visit.api(method, path, None if method == "GET" else {})
    return await (visit.get(path) if method == "GET" else visit.post(path, {"reason": "x"}))
