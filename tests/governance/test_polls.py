"""A source that does not respond to polls: polled with growing delays, reported, and recovered automatically."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import msgspec
import pytest
from sqlalchemy import text

from canonical.elements import STOCK
from connectors.poll_job import POLL, _store, poll_lane, schedule_poll
from connectors.ports import PollPage
from connectors.sandbox.faults import Faults
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.outbound.gate import Credential, RateLimit
from foundation.outbound.settings import RetrySettings
from tests.connectors.running import RunningSandbox
from tests.governance.connections.test_health_job import pass_by
from tests.governance.propagation.test_retries import RETRIES, Calls, run_delayed_jobs, with_retry_budget
from tests.support.as_owner import update_as_owner
from tests.support.client_env import ClientEnv

PLENTY = RetrySettings(ratio=1.0, per_second=1_000.0, saved=1_000)
_WORK = "SELECT attempts, is_retry, error, ready_at FROM job WHERE lane = :lane"
_HEALTH = "SELECT last_success_at IS NOT NULL, last_failure_at IS NOT NULL, last_error FROM connection WHERE id = :erp"
_CODES = "SELECT code, subject, state FROM governance_exception ORDER BY opened_at"
DOWN = Faults(server_error=1.0)
ANSWERED_500 = {
    "code": "connector.system_answered",
    "params": {"system": {"code": "sandbox.erp", "params": {}}, "status": "500"},
}
OFTEN = 20
"""Maximum of polls: our own rate limit may delay one, which then counts no attempt."""


@pytest.fixture
async def calls(env: ClientEnv) -> AsyncIterator[Calls]:
    counted = Calls()
    async with using(env, with_retry_budget(env.services, counted, PLENTY)):
        yield counted


@asynccontextmanager
async def using(env: ClientEnv, services: Services) -> AsyncIterator[None]:
    env.services = services
    try:
        yield
    finally:
        await services.outbound.close()


async def begin(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now())
    await env.work()


async def waiting(env: ClientEnv) -> tuple[int, bool, object, datetime]:
    ((attempts, again, error, ready_at),) = await env.rows(_WORK, lane=poll_lane(env.erp))
    assert isinstance(attempts, int)
    assert isinstance(ready_at, datetime)
    return attempts, bool(again), error, ready_at


async def database_now(env: ClientEnv) -> datetime:
    ((now,),) = await env.rows("SELECT clock_timestamp()")
    assert isinstance(now, datetime)
    return now


async def clear_outbound_state(env: ClientEnv) -> None:
    """Clear the outbound client's state for the source: its pause and its retry budget."""
    await env.services.valkey.delete(Credential(env.scope.tenant_id, str(env.erp), RateLimit(1, 1)).key)


async def ask_once_more(env: ClientEnv) -> None:
    """Poll at once, until one more attempt is counted."""
    before = (await waiting(env))[0]
    for _ in range(OFTEN):
        await run_delayed_jobs(env)
        if (await waiting(env))[0] > before:
            return
    raise AssertionError("it was not asked again")


async def wait_since(env: ClientEnv, began: datetime) -> float:
    """Seconds by the number of attempts; the job is delayed by as much from a moment after `began`."""
    attempts, again, error, ready_at = await waiting(env)
    assert (again, error) == (True, ANSWERED_500)
    wait = POLL.retry.delay(attempts - 1, 1.0)
    assert began + timedelta(seconds=wait) <= ready_at <= await database_now(env) + timedelta(seconds=wait)
    return wait


async def test_polls_back_off_exponentially_up_to_five_minutes_without_end(
    env: ClientEnv, sandbox: RunningSandbox, calls: Calls
) -> None:
    sandbox.break_(env.urls["erp"], DOWN)
    began = await database_now(env)
    await begin(env)
    await wait_since(env, began)
    for attempts_before in (1, 2, 3, 7, 40):
        async with env.services.db.transaction(env.scope) as session:
            await session.execute(text("UPDATE job SET attempts = :done"), {"done": attempts_before})
        began = await database_now(env)
        await ask_once_more(env)
        longest = await wait_since(env, began)
    assert longest == 300.0
    assert [POLL.retry.delay(attempts, 1.0) for attempts in range(5)] == [1, 2, 4, 8, 16]
    assert await env.rows("SELECT count(*) FROM dead_letter") == [(0,)]
    assert await env.rows("SELECT count(*) FROM poll_cursor") == [(0,)], "nothing was read, so nothing is past"


async def test_the_sources_retry_after_is_respected(env: ClientEnv, sandbox: RunningSandbox, calls: Calls) -> None:
    sandbox.break_(env.urls["erp"], Faults(too_many_requests=1.0, retry_after="77"))
    began = await database_now(env)
    await begin(env)
    *_, ready_at = await waiting(env)
    wait = timedelta(seconds=77)
    assert began + wait <= ready_at <= await database_now(env) + wait


async def test_retries_respect_the_budget_and_count_no_attempt_beyond_it(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    counted = Calls()
    sandbox.break_(env.urls["erp"], DOWN)
    async with using(env, with_retry_budget(env.services, counted)):
        await begin(env)
        for _ in range(12):
            await run_delayed_jobs(env)
        attempts, still_again, error, _ = await waiting(env)
    sent, again = (counted.of[str(env.erp), outcome] for outcome in ("5xx", "again"))
    assert sent - again == 1, "the poll itself; whatever came after it was a retry"
    assert 0 < again <= RETRIES.saved + RETRIES.ratio
    assert counted.of[str(env.erp), "retries_spent"] >= 1
    assert (attempts, still_again, error) == (sent, True, ANSWERED_500)


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        (DOWN, "'status': '500'"),
        (Faults(outage=1.0), ""),
        (Faults(renamed_fields={"changes": "modifications"}), ""),
    ],
    ids=["an error", "no connection", "another form than was agreed"],
)
async def test_every_polling_failure_is_recorded_and_reported_after_a_delay(
    env: ClientEnv, sandbox: RunningSandbox, calls: Calls, faults: Faults, expected: str
) -> None:
    sandbox.break_(env.urls["erp"], faults)
    await begin(env)
    ((worked, failed, error),) = await env.rows(_HEALTH, erp=env.erp)
    assert (worked, failed) == (False, True)
    assert error
    assert expected in str(error)
    assert await env.rows(_CODES) == [], "a short trouble is nobody's"
    await pass_by(env, minutes=6)
    assert await env.rows(_CODES) == [("connection.failing", str(env.erp), "open")]


async def test_a_refused_address_is_reported_in_the_same_way(env: ClientEnv, calls: Calls) -> None:
    wrong = "base_url = 'https://169.254.169.254/erp'"
    update_as_owner(env, "connection", wrong, where="id = %(erp)s", erp=env.erp)
    await begin(env)
    attempts, again, *_ = await waiting(env)
    assert attempts >= 1
    assert again
    assert (await env.rows(_HEALTH, erp=env.erp))[0][:2] == (False, True)
    await pass_by(env, minutes=6)
    assert await env.rows(_CODES) == [("connection.failing", str(env.erp), "open")]


async def test_polling_recovers_without_loss_or_effect_on_another_client(
    env: ClientEnv, other_env: ClientEnv, sandbox: RunningSandbox, calls: Calls
) -> None:
    sandbox.break_(env.urls["erp"], DOWN)
    for each in (env, other_env):
        await begin(each)
    await pass_by(env, minutes=6)
    await pass_by(other_env, minutes=6)
    polled = "SELECT count(DISTINCT record_key) FROM record_value"
    assert await env.rows(polled) == [(0,)]
    ((theirs,),) = await other_env.rows(polled)
    assert theirs
    assert await other_env.rows("SELECT count(*) FROM job WHERE lane LIKE 'poll/%'") == [(0,)]
    assert (await other_env.rows(_HEALTH, erp=other_env.erp))[0] == (True, False, None)
    assert await other_env.rows("SELECT count(*) FROM governance_exception WHERE code = 'connection.failing'") == [(0,)]

    sandbox.mend(env.urls["erp"])
    await clear_outbound_state(env)
    for _ in range(OFTEN):
        await run_delayed_jobs(env)
        if await env.rows("SELECT count(*) FROM job WHERE lane LIKE 'poll/%'") == [(0,)]:
            break
    assert await env.rows(polled) == [(theirs,)]
    assert await env.rows("SELECT state, closed_by FROM governance_exception WHERE code = 'connection.failing'") == [
        ("resolved", "corrected")
    ]
    assert await env.rows("SELECT count(*) FROM job WHERE lane LIKE 'poll/%'") == [(0,)]
    due = "SELECT due_at > polled_at FROM timer, poll_cursor WHERE timer.name = :lane"
    assert await env.rows(due, lane=poll_lane(env.erp)) == [(True,)], "and it is asked again by itself"


@pytest.mark.parametrize("ahead", ["", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-12:00"])
async def test_a_record_dated_in_the_future_is_reported_once_and_processed(env: ClientEnv, ahead: str) -> None:
    ahead = ahead or (utc_now() + timedelta(days=365)).isoformat()
    async with env.services.db.transaction(env.scope) as session:
        for sku in ("SKU-001", "SKU-002"):
            body = msgspec.json.encode(env.change(sku, STOCK, 4) | {"committed_at": ahead})
            payload = (f"chg_{sku}", body)
            await _store(session, env.erp, PollPage([payload], "1", more=False), now=utc_now(), new_id=new_id)
    await env.work(settle=20.0)
    assert await env.rows("SELECT count(*) FROM record_value WHERE minor(value) = 4") == [(2,)]
    assert await env.rows(_CODES) == [("source.clock_ahead", str(env.erp), "open")]
    assert await env.rows("SELECT count(*) FROM propagation WHERE slo_due_at > now() + interval '1 day'") == [(0,)]
