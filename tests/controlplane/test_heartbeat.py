"""A hanging process is replaced, whether it was stopped from outside or blocks itself."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from branding.assets import build_assets
from controlplane.embedded.supervise import Crash, Program, Supervisor
from controlplane.ports import held_port
from controlplane.stack import project_root
from foundation.database.engine import Database
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.scope import Scope
from foundation.settings import Settings, write_environment
from tests.conftest import VAULT_KEYS, Urls
from tests.support.brittle_worker import BLOCKS, BRITTLE

SILENT_SECONDS = 8.0


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.05)


@pytest.fixture
def environment(urls: Urls) -> dict[str, str]:
    settings = Settings(
        owner_url=urls.owner, app_url=urls.app, intake_url=urls.intake, relay_url=urls.relay, redis_url=urls.redis,
        vault_keys=VAULT_KEYS, secret_key=b"a secret of the tests, 32 bytes long",
    )  # fmt: skip
    return write_environment(settings) | {"PYTHONPATH": str(project_root())}


@pytest.fixture
def crashes() -> list[Crash]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, crashes: list[Crash]) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "logs", on_crash=crashes.append) as running:
        yield running


@pytest.fixture
def options(tmp_path: Path) -> Iterator[dict[str, list[str]]]:
    """Options of each process."""
    build_assets(project_root(), tmp_path / "static")
    with held_port() as port:
        web = ["--port", str(port), "--static", str(tmp_path / "static")]
        yield {"web": web, "worker": ["--pool", "nobody"], "relay": []}


def start(supervisor: Supervisor, environment: dict[str, str], name: str, module: str, *arguments: str) -> None:
    argv = [sys.executable, "-m", module, *arguments]
    supervisor.start(Program(name=name, argv=argv, env=environment, silent_seconds=SILENT_SECONDS))


@pytest.mark.parametrize("name", ["web", "worker", "relay"])
def test_a_stopped_process_is_replaced_and_its_replacement_sends_heartbeats(
    supervisor: Supervisor, environment: dict[str, str], crashes: list[Crash], options: dict[str, list[str]], name: str
) -> None:
    start(supervisor, environment, name, "controlplane", name, *options[name])
    heartbeat = supervisor.log(name).with_suffix(".heartbeat")
    until(heartbeat.exists)
    first = supervisor.pid(name)
    assert first
    os.kill(first, signal.SIGSTOP)
    until(lambda: supervisor.pid(name) not in (None, first))
    assert (crashes[0].name, crashes[0].hung) == (name, True)
    until(heartbeat.exists)  # removed at its start, so this is its own


async def test_a_worker_whose_loop_is_blocked_by_its_work_is_replaced(
    supervisor: Supervisor, environment: dict[str, str], crashes: list[Crash], db: Database, scope: Scope
) -> None:
    pool = f"tenant-{scope.tenant_id}"
    async with db.transaction(scope) as session:
        await session.execute(
            text("INSERT INTO lane_share (tenant_id, msp_id, pool) VALUES (:t, :m, :p)"),
            {"t": scope.tenant_id, "m": scope.msp_id, "p": pool},
        )
        enqueue(session, [NewJob("a", BRITTLE, BLOCKS)])
    start(supervisor, environment, "relay", "controlplane", "relay")
    start(supervisor, environment, "worker", "tests.support.brittle_worker", "worker", pool)
    until(lambda: any(crash.name == "worker" and crash.hung for crash in crashes))
    until(lambda: "in handle" in supervisor.log("worker").read_text())  # not of an earlier hang
