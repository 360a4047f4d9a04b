"""A stranger's generator (openapi-python-client) makes a working client from the OpenAPI document: a list, a create
and an error.
"""

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.secrets import new_secret
from tests.support.web_app import MspSetup, Visit, WebApp

pytestmark = pytest.mark.slow
PACKAGE = "generated_client"


@pytest.fixture
def generated(tmp_path: Path, document: bytes, monkeypatch: pytest.MonkeyPatch) -> str:
    """The generated package, importable."""
    (tmp_path / "openapi.json").write_bytes(document)
    (tmp_path / "config.yml").write_text(
        f"project_name_override: {PACKAGE}\npackage_name_override: {PACKAGE}\npost_hooks: []\n"
    )
    done = subprocess.run(
        [str(Path(sys.executable).parent / "openapi-python-client"), "generate", "--path", "openapi.json",
         "--config", "config.yml", "--meta", "none", "--output-path", PACKAGE],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr, done.stdout + done.stderr
    monkeypatch.syspath_prepend(tmp_path)
    return PACKAGE


@pytest.fixture
async def document(web_app: WebApp, msp_setup: MspSetup) -> bytes:
    admin = await web_app.signed_in(msp_setup.host, msp_setup.admin)
    answer = await admin.get("/api/v1/schema/openapi.json")
    assert answer.status_code == 200
    return answer.content


@pytest.fixture
async def client(web_app: WebApp, msp_setup: MspSetup, generated: str) -> Any:
    async with web_app.services.db.transaction(msp_setup.env.msp_account) as session:
        wanted = NewApiKey(new_id(), "Generated", "msp_admin")
        _, key = await create_api_key(session, new_secret, wanted, now=utc_now())
    module = importlib.import_module(generated)
    made = module.AuthenticatedClient(base_url=f"http://{msp_setup.host}", token=key)
    transport = httpx.ASGITransport(app=web_app.observed)
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    made.set_async_httpx_client(
        httpx.AsyncClient(transport=transport, base_url=f"http://{msp_setup.host}", headers=headers)
    )
    return made


def operation(document: bytes, path: str, method: str) -> tuple[str, str]:
    """Folder and module of an operation in the generated package, from its tag and id."""
    found = msgspec.json.decode(document)["paths"][path][method]
    return found["tags"][0].replace(" ", "_").lower(), found["operationId"]


async def call(generated: str, document: bytes, method: str, path: str, **given: Any) -> Any:
    folder, name = operation(document, path, method)
    module = importlib.import_module(f"{generated}.api.{folder}.{name}")
    return await module.asyncio_detailed(**given)


async def test_a_list_a_create_and_an_error(
    generated: str, document: bytes, client: Any, msp_setup: MspSetup, admin: Visit
) -> None:
    one = "/api/v1/clients/{client}"
    listed = await call(
        generated, document, "get", f"{one}/connections", client_path=msp_setup.slug, client=client, limit=2
    )
    assert (listed.status_code, len(listed.parsed.items)) == (200, 2)
    models = importlib.import_module(f"{generated}.models")
    wanted = models.WebhookEndpointInput(url="https://8.8.8.8/hook", event_types=["change.released"])
    made = await call(
        generated, document, "post", f"{one}/webhook-endpoints", client_path=msp_setup.slug, client=client, body=wanted
    )
    assert made.status_code == 201, made.content
    assert made.parsed.secret.startswith("whsec_")
    refused = await call(
        generated, document, "post", f"{one}/webhook-endpoints", client_path=msp_setup.slug, client=client,
        body=models.WebhookEndpointInput(url="https://10.0.0.1/", event_types=["change.released"]),
    )  # fmt: skip
    assert refused.status_code == 422
    assert msgspec.json.decode(refused.content)["type"] == "/problems/outbound-refused"
