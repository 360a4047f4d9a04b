"""Responses match the OpenAPI document: schemathesis with all checks against the real process (item 7).

Exceptions, each with its reason:

* `positive_data_acceptance` takes 422 too: rules between values (a role that may be given, a currency's digits, a
page's size) are beyond a schema. It takes 410 and 413 for the same reason.
* `negative_data_rejection` takes 405 and 415, as they are rejections.
* `cursor` is empty: a cursor is opaque, so a schema cannot describe a valid one; others answer 400.
`tests/controlplane/test_lists.py` and `tests/foundation/web/test_pagination.py` test cursors.
* `use_after_free` and `ensure_resource_availability`: off. Revoked and suspended objects stay listed, on purpose, and
can be read.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from branding.assets import build_assets
from controlplane.reference import PATH
from controlplane.stack import project_root
from foundation.settings import Settings, write_environment
from tests.conftest import Urls
from tests.support.fixtures_product import settings_of
from tests.support.ports import free_port
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp

HUNG_SECONDS = 3_000
"""Limit of a run, which takes one or two minutes on an idle machine."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(HUNG_SECONDS + 300), pytest.mark.asyncio(loop_scope="module")]

EXAMPLES = 3
CONFIG = """
seed = 20261129
continue-on-failure = true
parameters = {{ client = "{client}", cursor = "" }}
headers = {{ Host = "{host}" }}
warnings = false

[generation]
deterministic = true
max-examples = {examples}
database = "none"

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "410", "413", "422"]
negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429"]
missing_required_header.expected-statuses = ["400", "401", "403", "404", "406", "422"]
use_after_free.enabled = false
ensure_resource_availability.enabled = false
"""  # noqa: E501 - one line each


@contextmanager
def running_web(settings: Settings, static: Path, log: Path) -> Iterator[int]:
    """`fairlead web` as a process of its own; its port."""
    build_assets(project_root(), static)
    port = free_port(0)
    environment = {**os.environ, **write_environment(settings)}
    command = [sys.executable, "-m", "controlplane", "web", "--port", str(port), "--static", str(static)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 120
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                    break
            except (urllib.error.URLError, OSError):
                threading_wait()
        yield port
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def threading_wait() -> None:
    time.sleep(0.1)  # before the process listens, only its port can be polled


def run_schemathesis(
    tmp_path: Path, port: int, msp_setup: MspSetup, *options: str, examples: int
) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(client=msp_setup.slug, host=msp_setup.host, examples=examples))
    url = f"http://127.0.0.1:{port}{PATH}/openapi.json"
    command = [
        sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(config), "run", url, "--checks",
        "all", *options,
    ]  # fmt: skip
    # `requests` reads the whole environment for proxies before each call, and without hypothesis's stored tables each
    # run computes them again: together an eighth of a run.
    environment = {"PATH": os.environ["PATH"], "HYPOTHESIS_STORAGE_DIRECTORY": str(project_root() / ".hypothesis")}
    return subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=HUNG_SECONDS, check=False
    )


@pytest.fixture(scope="module")
def web(urls: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """One process for all callers, its port and its log: each caller has an MSP of its own."""
    folder = tmp_path_factory.mktemp("web")
    with running_web(settings_of(urls), folder / "static", folder / "web.log") as port:
        yield port, folder / "web.log"


@pytest.mark.parametrize("role", ["client_admin", "msp_admin", ""])
async def test_responses_match_the_openapi_document(
    web: tuple[int, Path], msp_setup: MspSetup, admin: Visit, tmp_path: Path, role: str
) -> None:
    port, log = web
    # Boundary values of each parameter are sent by the caller with access to most routes. A stranger is refused before
    # the request is parsed, so one request of each operation is enough.
    options = [] if role == "msp_admin" else ["--phases", "examples,fuzzing"]
    if role:
        owner = f"/api/v1/clients/{msp_setup.slug}" if role.startswith("client") else "/api/v1"
        wanted = {"name": "Fuzz", "role": role, "manages_access": role == "msp_admin"}
        made = await admin.api("POST", f"{owner}/api-keys", wanted)
        options += ["-H", f"Authorization: Bearer {made.json()['key']}"]
    done = run_schemathesis(tmp_path, port, msp_setup, *options, examples=EXAMPLES if role else 1)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    tested = re.search(r"(\d+) generated", done.stdout)
    assert tested is not None, done.stdout
    assert int(tested.group(1)) > 300
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert "web.failed" not in {line["event"] for line in lines}


async def test_the_document_declares_errors_and_permissions(web_app: WebApp, msp_setup: MspSetup) -> None:
    http = web_app.visit(msp_setup.host).http
    document: dict[str, Any] = (await http.get(f"{PATH}/openapi.json")).json()
    assert set(document["components"]["securitySchemes"]) == {"apiKey", "session"}
    assert document["security"] == [{"apiKey": []}, {"session": []}]
    operations = [(method, each) for item in document["paths"].values() for method, each in item.items()]
    assert len(operations) > 50
    for method, operation in operations:
        refusals = {"400", "401", "403", "404", "422", "429", "503"} | ({"409", "413"} if method != "get" else set())
        assert refusals <= set(operation["responses"])
        for status in refusals:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


async def test_operations_have_names_of_a_verb_and_a_noun_each_its_own_and_a_sentence(
    web_app: WebApp, msp_setup: MspSetup
) -> None:
    document: dict[str, Any] = (await web_app.visit(msp_setup.host).http.get(f"{PATH}/openapi.json")).json()
    operations = [each for item in document["paths"].values() for each in item.values()]
    ids = [each["operationId"] for each in operations]
    assert sorted(set(ids)) == sorted(ids)
    verbs = {one.partition("_")[0] for one in ids}
    assert verbs.isdisjoint({"api", "get", "post", "put", "delete"})
    assert {"list_changes", "show_change", "list_members_of_client", "invite_member", "create_api_key"} <= set(ids)
    assert [each["operationId"] for each in operations if not each.get("description")] == []
    summaries = {each["summary"] for each in operations}
    assert {"List API keys", "Show change", "Replay or discard dead letters"} <= summaries
    assert [each for each in summaries if not re.fullmatch(r"[A-Z][a-z]+( [a-z]+| API)+", each)] == []


async def test_the_reference_page_is_branded_and_needs_no_script(web_app: WebApp, msp_setup: MspSetup) -> None:
    http = web_app.visit(msp_setup.host).http
    page = await http.get(PATH)
    assert page.status_code == 200
    assert "Calm Harbour" in page.text
    for operation in ("GET /api/v1/clients", "POST /api/v1/clients/{client}/api-keys", "GET /api/v1/fleet"):
        assert operation in page.text
    addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert addresses
    assert all(each.startswith(("/", "#")) for each in addresses)
    assert "<style" not in page.text
    for unknown in (f"{PATH}/none", f"{PATH}/none.json", f"{PATH}/redoc", f"{PATH}/swagger"):
        answer = await http.get(unknown)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
