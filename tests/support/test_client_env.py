"""Waiting for a client's jobs ends as soon as possible, and reports a time-out."""

import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE
from tests.support import client_env
from tests.support.client_env import ClientEnv


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The requested sleeps, which are skipped."""
    taken: list[float] = []

    async def pause(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr(client_env, "pause", pause)
    return taken


async def later(env: ClientEnv, interval: str) -> None:
    """One job with that delay."""
    await env.deliver(env.change("SKU-001", COST, 500), env.change("SKU-001", PRICE, 1000))
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE job SET delayed = true, ready_at = clock_timestamp() + CAST(:interval AS interval)"),
            {"interval": interval},
        )


async def test_a_condition_that_never_holds_fails_with_the_remaining_jobs(env: ClientEnv, pauses: list[float]) -> None:
    await later(env, "1 hour")
    with pytest.raises(AssertionError, match=r"(?s)SELECT false does not hold.*ingest/"):
        await env.work(until="SELECT false")
    assert sum(pauses) == pytest.approx(client_env.PATIENCE_SECONDS, abs=1)


async def test_work_that_is_too_far_away_is_not_waited_for(env: ClientEnv, pauses: list[float]) -> None:
    await later(env, "1 hour")
    await env.work(settle=20)
    assert pauses == []
    assert await env.rows("SELECT count(*) FROM job WHERE delayed") == [(1,)]


async def test_jobs_are_awaited_only_as_long_as_needed(env: ClientEnv) -> None:
    await later(env, "50 milliseconds")
    await env.work(settle=20)
    assert await env.rows("SELECT count(*) FROM job") == [(0,)]
    assert await env.rows("SELECT DISTINCT state FROM change ORDER BY 1") != []
