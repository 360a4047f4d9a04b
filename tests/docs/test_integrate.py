"""The guide “Integrate in 15 minutes”: each step is executed, and its response compared with the one shown."""

import json
import re
import shlex
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from canonical.elements import PRICE
from tests.controlplane.conftest import admin
from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp
from tests.support.webhook_receiver import WebhookReceiver, webhook_receiver

__all__ = ("admin",)
GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/integrate.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"\$([A-Z_]+)")


class Block(NamedTuple):
    kind: str
    text: str


BLOCKS = [Block(*found) for found in _BLOCK.findall(GUIDE.read_text())]


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with webhook_receiver() as running:
        yield running


async def curl(http: httpx.AsyncClient, command: str, known: Mapping[str, str]) -> httpx.Response:
    """Send the command's request over ASGI."""
    words = [_NAME.sub(lambda found: known[found[1]], word) for word in shlex.split(command.removeprefix("$ "))]
    assert words.pop(0) == "curl"
    method, url, headers = "", "", dict[str, str]()
    options: dict[str, Any] = {}
    while words:
        match words.pop(0):
            case "-i":
                pass
            case "-X":
                method = words.pop(0)
            case "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            case "-u":
                options["auth"] = tuple(words.pop(0).split(":"))
            case "-d":
                options["data"] = dict([words.pop(0).split("=")])
            case "--json":
                options["json"] = json.loads(words.pop(0))
            case word:
                url = word
    method = method or ("POST" if {"data", "json"} & options.keys() else "GET")
    return await http.request(method, url, headers=headers, **options)


def compare(shown: Any, found: Any, known: dict[str, str]) -> None:
    """`found` has at least what is `shown`. Names that are not known yet get their values."""
    if isinstance(shown, dict):
        assert isinstance(found, dict)
        for name, value in shown.items():
            assert name in found, f"{name} is not in {sorted(found)}"
            compare(value, found[name], known)
    elif isinstance(shown, list):
        assert isinstance(found, list)
        assert len(found) >= len(shown)
        for one, other in zip(shown, found, strict=False):
            compare(one, other, known)
    elif isinstance(shown, str) and (named := _NAME.fullmatch(shown)):
        assert known.setdefault(named[1], found) == found
    elif shown == "…":
        assert isinstance(found, str)
    else:
        assert found == (_NAME.sub(lambda name: known[name[1]], shown) if isinstance(shown, str) else shown)


async def test_every_step_works_as_written(
    web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, admin: Visit, receiver: WebhookReceiver
) -> None:
    for sku in ("SKU-001", "SKU-002"):
        await env.deliver(env.change(sku, PRICE, 1000))
        await env.work(settle=0.5)
    async with env.services.db.transaction(env.scope) as session:  # a person sets the value, no connected system
        await session.execute(text("UPDATE element_contract SET source_connection_id = NULL"))
    rights = ["change:read", "change:propose", "webhook:read", "webhook:write"]
    body = {"name": "Shop", "role": "client_admin", "permissions": rights, "use": "oauth_client"}
    made = await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/api-keys", body)
    assert made.status_code == 201, made.text
    known = {
        "PORTAL": f"http://{msp_setup.host}", "CLIENT": msp_setup.slug, "RECEIVER": receiver.url,
        "CLIENT_ID": made.json()["client_id"], "CLIENT_SECRET": made.json()["client_secret"],
    }  # fmt: skip
    http, answer, program, steps = web_app.visit(msp_setup.host).http, None, "", 0
    for block in BLOCKS:
        match block.kind:
            case "console":
                answer, steps = await curl(http, block.text.strip(), known), steps + 1
                await env.work(settle=0.5)
            case "json":
                assert answer is not None
                compare(json.loads(block.text), answer.json(), known)
            case "http":
                assert answer is not None
                for line in block.text.splitlines():
                    name, _, value = line.partition(": ")
                    assert answer.headers[name] == value
            case "python":
                program = block.text
    assert steps >= 9
    first, again = receiver.heard
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    defined: dict[str, Any] = {}
    exec(program, defined)  # noqa: S102 - the guide's own
    for heard in (first, again):
        kind, record = defined["receive"](known["SECRET"], heard.body, dict(heard.headers))
        assert (kind.partition(".")[0], record) == ("change", "SKU-003")
    with pytest.raises(WebhookVerificationError):
        Webhook(known["SECRET"]).verify(first.body + b" ", dict(first.headers))
