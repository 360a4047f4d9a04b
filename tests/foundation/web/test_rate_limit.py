"""Rate limits: the script in Valkey equals the token bucket of `outbound.bucket`, and an outage lets requests pass."""

from typing import Any

import pytest
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from foundation.ids import new_id
from foundation.outbound.bucket import TokenBucket
from foundation.valkey import valkey_client
from foundation.web.rate_limit import TAKE, RateLimiter, RateLimits, interval_and_burst

STEPS = st.lists(st.integers(0, 40_000_000), min_size=1, max_size=25)
LIMITS = st.integers(1, 12)


@given(STEPS, LIMITS, LIMITS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_script_takes_of_both_buckets_or_of_none(
    valkey: "redis.asyncio.Redis", steps: list[int], caller: int, account: int
) -> None:
    take, name, now = valkey.register_script(TAKE), f"fl:test:rate:{new_id()}", 1_700_000_000_000_000
    buckets = [(TokenBucket(), *interval_and_burst(limit)) for limit in (caller, account)]
    for step in steps:
        now += step
        arguments: list[Any] = [now, *(number for _, *pair in buckets for number in pair)]
        wait, left, _, _, _ = await take(keys=[f"{name}:a", name], args=arguments)
        expected = max(each.wait(now, interval=interval, burst=burst) for each, interval, burst in buckets)
        assert wait == max(expected, 0)
        if expected <= 0:
            for each, interval, _ in buckets:
                each.take(now, interval=interval)
        bucket, interval, burst = buckets[0]
        assert left == (now + interval * burst - max(bucket.full_at, now)) // interval


async def test_callers_have_buckets_of_their_own_and_share_their_accounts(valkey: "redis.asyncio.Redis") -> None:
    limiter, limits = RateLimiter(valkey, CollectorRegistry()), RateLimits(per_caller=2, per_account=3)
    msp_id, tenant_id, other = new_id(), new_id(), new_id()

    async def take(caller: str, tenant: Any = tenant_id) -> tuple[int, int, int]:
        state, wait = await limiter.take(msp_id=msp_id, tenant_id=tenant, caller=caller, limits=limits)
        assert state is not None
        return state.caller_left, state.account_left, wait

    assert await take("a") == (1, 2, 0)
    assert await take("a") == (0, 1, 0)
    left, _, wait = await take("a")
    assert (left, 0 < wait <= 30) == (0, True)
    assert await take("b") == (1, 0, 0)
    assert (await take("b"))[2] > 0  # the account's tokens are used up
    assert await take("a", other) == (1, 2, 0)


@pytest.mark.parametrize("away", ["redis://127.0.0.1:1/0"])
async def test_requests_pass_and_are_counted_while_valkey_is_away(away: str) -> None:
    metrics, client = CollectorRegistry(), valkey_client(away)
    limiter = RateLimiter(client, metrics)
    for _ in range(2):
        found = await limiter.take(msp_id=new_id(), tenant_id=new_id(), caller="a", limits=RateLimits(1, 1))
        assert found == (None, 0)
    assert metrics.get_sample_value("fairlead_api_requests_not_limited_total") == 2
    await client.aclose()
