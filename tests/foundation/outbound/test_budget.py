"""Retry budget: its arithmetic, its sharing among workers, and a system that fails every call."""

import asyncio
from dataclasses import replace

import pytest
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from foundation.outbound.budget import AttemptKind, Budget
from foundation.outbound.client import OutboundClient
from foundation.outbound.errors import OutboundHeld, RetriesSpent
from foundation.outbound.gate import Credential, Gate
from foundation.outbound.metrics import OutboundMetrics
from foundation.outbound.settings import BreakerSettings, OutboundSettings, RetrySettings, parse_allowed
from tests.conftest import Urls
from tests.foundation.outbound.server import Answer, FakeNames, running
from tests.foundation.outbound.test_gate import MovableClock as Clock
from tests.foundation.outbound.test_gate import credential

START = 1_700_000_000_000_000
budgets = st.builds(
    RetrySettings,
    ratio=st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]),
    per_second=st.sampled_from([0.01, 0.5, 1, 7, 100]),
    saved=st.integers(1, 20),
)
calls = st.lists(
    st.tuples(st.integers(0, 3_000_000), st.sampled_from([AttemptKind.FIRST, AttemptKind.AGAIN])), max_size=120
)
NEVER_OPEN = BreakerSettings(failures=10**9, min_calls=10**9)
STINGY = RetrySettings(ratio=0.25, per_second=0.5, saved=3)
SETTINGS = OutboundSettings(
    allowed=parse_allowed("127.0.0.1/32"), connect_seconds=30, read_seconds=30, total_seconds=60, valkey_seconds=30,
    clock_decides=True, breaker=NEVER_OPEN, retries=STINGY,
)  # fmt: skip


def ask(budget: Budget, now: int, attempt: AttemptKind, settings: RetrySettings) -> bool:
    if attempt is AttemptKind.AGAIN and budget.wait(now, settings) > 0:
        return False
    budget.note(now, attempt, settings)
    return True


@given(budgets, calls)
def test_no_window_has_more_retries_than_the_budget_allows(
    settings: RetrySettings, calls: list[tuple[int, AttemptKind]]
) -> None:
    budget, now, went = Budget(), START, list[tuple[int, AttemptKind]]()
    for passed, attempt in calls:
        now += passed
        if ask(budget, now, attempt, settings):
            went.append((now, attempt))
    for first in range(len(went)):
        retries = firsts = 0
        for at, attempt in went[first:]:
            retries += attempt is AttemptKind.AGAIN
            firsts += attempt is AttemptKind.FIRST
            earned = firsts * settings.earned + (at - went[first][0])
            assert retries * settings.interval <= settings.saved * settings.interval + earned


@given(budgets, calls)
def test_a_first_attempt_never_waits_and_a_retry_waits_its_delay(
    settings: RetrySettings, calls: list[tuple[int, AttemptKind]]
) -> None:
    budget, now = Budget(), START
    for passed, attempt in calls:
        now += passed
        assert ask(budget, now, AttemptKind.FIRST, settings)
        if attempt is AttemptKind.AGAIN and not ask(budget, now, attempt, settings):
            wait = budget.wait(now, settings)
            assert 0 < wait <= settings.interval
            assert budget.wait(now + wait - 1, settings) > 0
            assert budget.wait(now + wait, settings) <= 0


@given(budgets, st.integers(1, 500))
def test_a_job_of_many_calls_runs_whole_and_overdraws_by_no_more_than_can_be_saved(
    settings: RetrySettings, calls: int
) -> None:
    budget = Budget()
    assert ask(budget, START, AttemptKind.AGAIN, settings)
    for _ in range(calls):
        budget.note(START, AttemptKind.FURTHER, settings)
    assert budget.wait(START, settings) <= (settings.saved + 1) * settings.interval


@given(budgets, calls)
def test_the_saved_budget_is_capped(settings: RetrySettings, calls: list[tuple[int, AttemptKind]]) -> None:
    budget, now = Budget(), START
    for passed, attempt in calls:
        now += passed
        ask(budget, now, attempt, settings)
    now += 10**9
    for _ in range(1000):
        budget.note(now, AttemptKind.FIRST, settings)
    assert [ask(budget, now, AttemptKind.AGAIN, settings) for _ in range(settings.saved + 1)][-2:] in (
        [True, False],
        [False],
    )


async def go(gate: Gate, who: Credential, attempt: AttemptKind) -> bool:
    try:
        await gate.admit(who, attempt)
    except RetriesSpent:
        return False
    return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_all_workers_share_one_budget_and_no_tenant_anothers(
    valkey: "redis.asyncio.Redis", urls: Urls, clock: Clock
) -> None:
    second = redis.asyncio.Redis.from_url(urls.redis)
    gates = [Gate(SETTINGS, valkey, clock), Gate(SETTINGS, second, clock)]
    who, other = credential(rate=1000, burst=1000), credential(rate=1000, burst=1000)
    went = [await go(gates[n % 2], who, AttemptKind.AGAIN) for n in range(6)]
    assert went == [True] * 3 + [False] * 3
    assert await go(gates[0], other, AttemptKind.AGAIN), "the same name, another tenant"
    for n in range(4):
        assert await go(gates[n % 2], who, AttemptKind.FIRST), "new work goes on"
    assert [await go(gates[1], who, AttemptKind.AGAIN) for _ in range(2)] == [True, False], (
        "four first attempts earn one"
    )
    clock.advance(2)
    assert [await go(gates[0], who, AttemptKind.AGAIN) for _ in range(2)] == [True, False], "and two seconds another"
    await second.aclose()


async def test_a_delayed_call_gets_its_delay_and_uses_no_token(valkey: "redis.asyncio.Redis", clock: Clock) -> None:
    gate, who = Gate(SETTINGS, valkey, clock), credential(rate=1, burst=4)
    for _ in range(3):
        await gate.admit(who, AttemptKind.AGAIN)
    for _ in range(20):
        with pytest.raises(RetriesSpent) as caught:
            await gate.admit(who, AttemptKind.AGAIN)
        assert caught.value.retry_after == 2
    assert (await gate.admit(who)).wait == 0


async def test_without_valkey_each_process_has_its_own_budget(clock: Clock) -> None:
    away = redis.asyncio.Redis.from_url("redis://127.0.0.1:1")
    gates = [Gate(replace(SETTINGS, valkey_seconds=0.5, valkey_rest_seconds=600), away, clock) for _ in range(2)]
    who = credential(rate=1000, burst=1000)
    for gate in gates:
        assert [await go(gate, who, AttemptKind.AGAIN) for _ in range(5)] == [True] * 3 + [False] * 2
        assert await go(gate, who, AttemptKind.FIRST)
    await away.aclose()


async def test_a_system_that_fails_every_call_sees_little_more_than_the_first_attempts(
    valkey: "redis.asyncio.Redis", clock: Clock
) -> None:
    """Two hundred jobs on eight workers, each retried as soon as permitted, for a minute."""
    registry = CollectorRegistry()
    observer, firsts, seconds = OutboundMetrics(registry), 200, 60
    client = OutboundClient(SETTINGS, valkey, clock, resolver=FakeNames(), observer=observer)
    who = credential()
    bound = client.for_credential(who.tenant_id, who.id, 10**6, 10**6)
    async with running(lambda seen: Answer(status=500)) as system:

        async def attempt(*, again: bool = False) -> None:
            caller = bound.again() if again else bound
            try:
                await caller.request("POST", system.url, content=b"{}")
            except OutboundHeld:
                return

        for second in range(seconds):
            for _ in range(firsts // seconds + 1 if second < firsts % seconds else firsts // seconds):
                await attempt()
            await asyncio.gather(*(attempt(again=True) for _ in range(24)))
            clock.advance(1)
        sent = len(system.seen)
    await client.close()

    retries = sent - firsts
    allowed = STINGY.saved + firsts * STINGY.ratio + seconds * STINGY.per_second
    assert allowed - 4 <= retries <= allowed
    text = generate_latest(registry).decode()
    labels = f'credential_id="{who.id}"'
    assert f'fairlead_outbound_retries_total{{{labels},tenant_id="{who.tenant_id}"}} {float(retries)}' in text
    held = f'{labels},outcome="retries_spent",tenant_id="{who.tenant_id}"'
    assert f"fairlead_outbound_calls_total{{{held}}} {float(24 * seconds - retries)}" in text


async def test_the_calls_of_one_job_are_delayed_together_or_not_at_all(clock: Clock) -> None:
    client = OutboundClient(SETTINGS, None, clock, resolver=FakeNames())
    who = credential()
    bound = client.for_credential(who.tenant_id, who.id, 10**6, 10**6)
    async with running(lambda seen: Answer()) as system:
        work = bound.again()
        for _ in range(5):
            await work.request("GET", system.url)
        with pytest.raises(RetriesSpent):
            await bound.again().request("GET", system.url)
        await bound.request("GET", system.url)
    await client.close()
    assert len(system.seen) == 6
