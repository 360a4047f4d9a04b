"""Webhooks at the boundary: unreadable bodies, paused connections, ids in the form of our own keys."""

from datetime import timedelta

import msgspec
import pytest

from canonical.elements import STOCK
from connectors.connections import set_connection_state
from connectors.states import ConnectionState
from connectors.webhooks.signatures import sign
from foundation.clock import utc_now
from tests.controlplane.test_boundary import DEEP
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


class TestBodies:
    async def test_a_signed_webhook_that_is_too_deep_is_quarantined_and_delays_nothing(
        self, web_app: WebApp, env: ClientEnv
    ) -> None:
        http = web_app.visit("127.0.0.1").http
        bodies = [
            DEEP,
            b'{"changes":' + DEEP + b"}",
            b'{"sku": "\xff"}',
            b'{"amount": "x", "changes": [',
            msgspec.json.encode({"type": "changes", "changes": [env.change("SKU-001", STOCK, 3)]}),
        ]
        for number, body in enumerate(bodies):
            headers = sign(env.hook_secret.encode(), message_id=f"m{number}", sent_at=utc_now(), body=body)
            assert (await http.post(f"/hooks/{env.erp}", content=body, headers=headers)).status_code == 202
        await env.work()
        rows = await env.rows("SELECT code FROM governance_exception")
        assert [row for row in rows if row[0] == "source.quarantined"] == [("source.quarantined",)] * 4
        assert await env.rows("SELECT attempts FROM job") == []


class TestWebhookState:
    async def test_only_authentic_senders_learn_of_a_pause(
        self, web_app: WebApp, env: ClientEnv, other_env: ClientEnv
    ) -> None:
        http = web_app.visit("127.0.0.1").http
        async with env.services.db.transaction(env.scope) as session:
            await set_connection_state(session, env.erp, state=ConnectionState.PAUSED, now=utc_now())
        body = b"{}"
        answers = []
        for secret, age in (
            (other_env.hook_secret, timedelta(0)),
            (env.hook_secret, timedelta(days=1)),
            (env.hook_secret, timedelta(0)),
        ):
            headers = sign(secret.encode(), message_id="m1", sent_at=utc_now() - age, body=body)
            answers.append((await http.post(f"/hooks/{env.erp}", content=body, headers=headers)).status_code)
        assert [(await http.post(f"/hooks/{env.erp}", content=body)).status_code, *answers] == [401, 401, 401, 409]

    async def test_ids_of_our_own_form_are_refused(self, web_app: WebApp, env: ClientEnv) -> None:
        for message_id in ("sha256:abc", "SHA256:abc", "baseline/product-1", "m1#" + "0" * 64):
            headers = sign(env.hook_secret.encode(), message_id=message_id, sent_at=utc_now(), body=b"{}")
            answer = await web_app.visit("127.0.0.1").http.post(f"/hooks/{env.erp}", content=b"{}", headers=headers)
            assert answer.status_code == 422
        assert await env.rows("SELECT count(*) FROM source_event") == [(0,)]
