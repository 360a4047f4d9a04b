"""A receiver, and a client whose administrator configures webhooks over the API."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.controlplane.conftest import environment
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
from tests.support.webhook_receiver import WebhookReceiver, webhook_receiver
from webhooks.services import WebhookServices

__all__ = ("environment",)
CHANGES = ["change.released", "change.published"]


@pytest_asyncio.fixture(loop_scope="module")
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with webhook_receiver() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def second_receiver() -> AsyncIterator[WebhookReceiver]:
    async with webhook_receiver() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(web_app: WebApp, other_env: ClientEnv) -> tuple[Visit, MspSetup]:
    """The administrator of another MSP."""
    other = await set_up_msp(other_env, name="Elsewhere")
    return await web_app.signed_in(other.host, other.admin), other


@dataclass
class Api:
    """The API of one account's webhooks."""

    visit: Visit
    root: str

    async def call(self, method: str, path: str = "", body: object = None, **headers: str) -> httpx.Response:
        sent = {"X-CSRF-Token": self.visit.token, "Accept": "application/json", **headers}
        return await self.visit.http.request(method, f"{self.root}/webhook-endpoints{path}", json=body, headers=sent)

    async def add(self, receiver: WebhookReceiver, *types: str) -> tuple[str, str]:
        """Add an endpoint; returns its id and secret."""
        made = await self.call("POST", "", {"url": receiver.url, "event_types": list(types or CHANGES)})
        assert made.status_code == 201, made.text
        return made.json()["endpoint"]["id"], made.json()["secret"]

    async def read(self, endpoint: str) -> dict[str, Any]:
        answer = await self.call("GET", f"/{endpoint}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def deliveries(self, endpoint: str, **query: str) -> list[dict[str, Any]]:
        """Deliveries in the order of sending."""
        given = "&".join(f"{name}={value}" for name, value in {"sort": "sent", **query}.items())
        answer = await self.call("GET", f"/{endpoint}/deliveries?{given}")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])


@pytest.fixture
def api(admin: Visit, msp_setup: MspSetup) -> Api:
    return Api(admin, f"/api/v1/clients/{msp_setup.slug}")


@pytest.fixture
def msp_api(admin: Visit) -> Api:
    return Api(admin, "/api/v1")


@pytest.fixture
def webhook_services(env: ClientEnv) -> WebhookServices:
    return env.services.get(WebhookServices)


def as_msp(env: ClientEnv) -> ClientEnv:
    """The same environment, in the scope of the MSP's own account."""
    return replace(env, scope=env.msp_account)
