"""A job that crashes every process: a real worker is killed by it, and only that job is dead-lettered."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from controlplane.embedded.supervise import Crash, Program, Supervisor
from controlplane.stack import project_root
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.jobs.dead_letters import discard_dead_letter, replay_dead_letter
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.scope import Scope
from foundation.settings import Settings, write_environment
from tests.conftest import VAULT_KEYS, Urls
from tests.support.brittle_worker import BRITTLE, KILLS, SLOW
from tests.support.jobs import list_dead_letters

pytestmark = pytest.mark.timeout(900)
PATIENCE_SECONDS = 400
"""Each crash starts two processes anew, and a busy machine takes ten seconds for one."""
HEALTHY = [str(n) for n in range(12)]


@pytest.fixture
def crashes() -> list[Crash]:
    return []


@pytest.fixture
def supervisor(urls: Urls, tmp_path: Path, scope: Scope, crashes: list[Crash]) -> Iterator[Supervisor]:
    """A relay, and a worker of a pool that serves this tenant only."""
    settings = Settings(
        owner_url=urls.owner, app_url=urls.app, intake_url=urls.intake, relay_url=urls.relay, redis_url=urls.redis,
        vault_keys=VAULT_KEYS, secret_key=b"a secret of the tests, 32 bytes long",
    )  # fmt: skip
    environment = write_environment(settings) | {"PYTHONPATH": str(project_root())}
    with Supervisor(tmp_path, on_crash=crashes.append, healthy_seconds=2.0) as running:
        for name, module, *arguments in (
            ("worker", "tests.support.brittle_worker", "worker", f"tenant-{scope.tenant_id}"),
            ("relay", "controlplane", "relay"),
        ):
            running.start(Program(name=name, argv=[sys.executable, "-m", module, *arguments], env=environment))
        yield running


async def put(db: Database, scope: Scope, lane: str, keys: list[str]) -> None:
    async with db.transaction(scope) as session:
        enqueue(session, [NewJob(lane, BRITTLE, key) for key in keys])


async def until_nothing_is_left(db: Database, scope: Scope) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with db.transaction(scope) as session:
                if not (await session.execute(text("SELECT count(*) FROM job"))).scalar_one():
                    return
            await asyncio.sleep(0.1)


async def done(db: Database, scope: Scope) -> Counter[str]:
    async with db.transaction(scope) as session:
        rows = await session.execute(text("SELECT subject FROM audit_entry WHERE action = 'test.done'"))
        return Counter(row.subject for row in rows)


async def test_a_job_that_kills_its_worker_is_dead_lettered_alone(
    db: Database, scope: Scope, supervisor: Supervisor, crashes: list[Crash]
) -> None:
    async with db.transaction(scope) as session:
        await session.execute(
            text("INSERT INTO lane_share (tenant_id, msp_id, pool) VALUES (:t, :m, :p)"),
            {"t": scope.tenant_id, "m": scope.msp_id, "p": f"tenant-{scope.tenant_id}"},
        )
    await put(db, scope, "a", [HEALTHY[0], KILLS, *HEALTHY[1:]])
    await put(db, scope, "b", [SLOW])  # in progress each time its neighbour crashes the worker
    await until_nothing_is_left(db, scope)
    log = supervisor.log("worker").read_text()[-3000:]
    assert await done(db, scope) == Counter([*HEALTHY, SLOW]), log
    async with db.transaction(scope) as session:
        letters = await list_dead_letters(session)
        assert [letter.key for letter in letters] == [KILLS], log
        assert "SIGKILL" in letters[0].error["params"]["how"]
    assert 2 <= len(crashes) <= 4, crashes
    async with db.transaction(scope) as session:
        await replay_dead_letter(session, letters[0].id, now=utc_now())
    await put(db, scope, "a", ["behind it"])
    await until_nothing_is_left(db, scope)
    assert (await done(db, scope))["behind it"] == 1
    async with db.transaction(scope) as session:
        [again] = await list_dead_letters(session)
        assert (again.key, again.id != letters[0].id) == (KILLS, True)
        await discard_dead_letter(session, again.id, now=utc_now())
    async with db.transaction(scope) as session:
        assert not await list_dead_letters(session)
