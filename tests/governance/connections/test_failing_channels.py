"""A channel that does not respond to readings is reported as failing, whichever job calls it."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from canonical.elements import PRICE
from connectors.health import record_health
from connectors.sandbox.faults import Faults
from foundation.clock import utc_now
from foundation.i18n.messages import TEXT
from governance import job_types
from governance.overview.queries import read_clocks, read_figures
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import seed
from tests.support.client_env import ClientEnv

UNREADABLE = Faults(renamed_fields={"values": "worths"})
_FAILING = """
    SELECT name FROM connection
     WHERE coalesce(last_failure_at, '-infinity') > coalesce(last_success_at, '-infinity') ORDER BY name
"""


async def failing(env: ClientEnv) -> list[str]:
    return [str(name) for (name,) in await env.rows(_FAILING)]


async def scan(env: ClientEnv) -> None:
    """Run the drift scans, which are due every few minutes."""
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE timer SET due_at = now() WHERE kind = :kind"), {"kind": job_types.SCAN_DRIFT.name}
        )
    await env.work()


async def age_health(env: ClientEnv, hours: float) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("""
                UPDATE connection SET last_success_at = last_success_at - :by, last_failure_at = last_failure_at - :by
            """),
            {"by": timedelta(hours=hours)},
        )


async def test_a_channel_that_accepts_writes_but_no_reads_is_failing(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], UNREADABLE)
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work()
    assert await failing(env) == ["shop0"]
    async with env.services.db.transaction(env.scope) as session:
        figures = await read_figures(session, now=utc_now())
        clocks = await read_clocks(session, now=utc_now())
    assert (figures.failing, figures.paused) == (["shop0"], [])
    assert {clock.channel for clock in clocks if clock.is_failing} == {"shop0"}


async def test_a_quiet_channel_that_answers_no_drift_scan_is_failing_until_it_answers(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await seed(env)
    await age_health(env, hours=1)
    sandbox.break_(env.urls["shop0"], Faults(server_error=1.0))
    await scan(env)
    assert await failing(env) == ["shop0"]
    sandbox.mend(env.urls["shop0"])
    await scan(env)
    assert await failing(env) == []


@pytest.mark.parametrize("now_fails", [True, False])
@pytest.mark.parametrize("then_failed", [True, False])
async def test_health_recorded_in_the_future_hides_no_failure(
    env: ClientEnv, *, then_failed: bool, now_fails: bool
) -> None:
    shop, every = env.channels["shop0"], timedelta(seconds=5)
    async with env.services.db.transaction(env.scope) as session:
        ahead = utc_now() + timedelta(days=365)
        await record_health(session, shop, now=ahead, error=TEXT.write(text="away") if then_failed else None)
    async with env.services.db.transaction(env.scope) as session:
        await record_health(
            session, shop, now=utc_now(), error=TEXT.write(text="away") if now_fails else None, every=every
        )
    assert await failing(env) == (["shop0"] if now_fails else [])
