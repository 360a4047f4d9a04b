"""Token bucket and breaker: the readable form, the shared form in Valkey, and their equality."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import redis
import redis.asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.outbound.breaker import CallResult
from foundation.outbound.budget import AttemptKind
from foundation.outbound.errors import OutboundThrottled, OutboundUnavailable
from foundation.outbound.gate import Admission, Credential, Gate, LocalGate, RateLimit
from foundation.outbound.scripts import ADMIT, SETTLE
from foundation.outbound.settings import BreakerSettings, OutboundSettings, RetrySettings
from tests.conftest import Urls

SETTINGS = OutboundSettings(
    clock_decides=True,
    max_wait_seconds=0.5,
    total_seconds=10,
    valkey_seconds=30,
    breaker=BreakerSettings(failures=3, min_calls=8, open_seconds=4, max_open_seconds=10, window_seconds=20),
    retries=RetrySettings(ratio=0.25, per_second=0.5, saved=3),
)
START = datetime(2026, 1, 1, tzinfo=UTC)


class MovableClock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def credential(rate: float = 10, burst: int = 3) -> Credential:
    return Credential(uuid4(), "shop", RateLimit(rate, burst))


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(params=["shared", "local"])
def gate(request: pytest.FixtureRequest, clock: MovableClock) -> Gate:
    """Each form of the gate, so that the tests run on both."""
    valkey = request.getfixturevalue("valkey") if request.param == "shared" else None
    return Gate(SETTINGS, valkey, clock)


async def send(
    gate: Gate, who: Credential, result: CallResult = CallResult.ANSWERED, *, hold: float = 0.0
) -> Admission:
    admission = await gate.admit(who)
    if admission.report or hold or result is not CallResult.ANSWERED:
        await gate.settle(who, admission, result, hold=hold)
    return admission


class TestBucket:
    async def test_a_burst_passes_at_once_then_calls_wait_then_are_refused(self, gate: Gate) -> None:
        who = credential(rate=10, burst=3)

        waits = [(await gate.admit(who)).wait for _ in range(8)]

        assert waits == [0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.5]
        with pytest.raises(OutboundThrottled) as caught:
            await gate.admit(who)
        assert caught.value.retry_after == 0.6

    async def test_a_refused_call_uses_no_token(self, gate: Gate, clock: MovableClock) -> None:
        who = credential(rate=10, burst=3)
        for _ in range(8):
            await gate.admit(who)
        for _ in range(50):
            with pytest.raises(OutboundThrottled):
                await gate.admit(who)

        clock.advance(0.1)
        assert (await gate.admit(who)).wait == 0.5

    async def test_a_requested_pause_delays_all_calls_and_ends_without_a_burst(
        self, gate: Gate, clock: MovableClock
    ) -> None:
        who = credential(rate=10, burst=3)
        await send(gate, who, hold=30)

        with pytest.raises(OutboundThrottled) as caught:
            await gate.admit(who)
        assert caught.value.retry_after == 30

        clock.advance(30)
        assert [(await gate.admit(who)).wait for _ in range(3)] == [0, 0.1, 0.2]

    async def test_a_pause_is_never_longer_than_the_longest(self, gate: Gate) -> None:
        who = credential()
        await send(gate, who, hold=10**9)

        with pytest.raises(OutboundThrottled) as caught:
            await gate.admit(who)
        assert caught.value.retry_after == SETTINGS.max_hold_seconds

    async def test_credentials_and_tenants_do_not_share(self, gate: Gate) -> None:
        one, other = credential(), credential()
        await send(gate, one, hold=30)

        assert (await gate.admit(other)).wait == 0
        assert (await gate.admit(one._replace(id="another"))).wait == 0

    async def test_two_processes_share_one_allowance_fairly(
        self, valkey: "redis.asyncio.Redis", urls: Urls, clock: MovableClock
    ) -> None:
        second = redis.asyncio.Redis.from_url(urls.redis)
        gates = [Gate(SETTINGS, valkey, clock), Gate(SETTINGS, second, clock)]
        who, sent = credential(rate=20, burst=5), [0, 0]
        for _ in range(100):
            for number, gate in enumerate(gates * 3):
                with contextlib.suppress(OutboundThrottled):
                    await gate.admit(who)
                    sent[number % 2] += 1
            clock.advance(0.1)
        await second.aclose()

        # the burst, 9.9 seconds at 20 per second, and half a second reserved ahead
        assert sum(sent) == 5 + 198 + 10
        assert abs(sent[0] - sent[1]) <= 5


class TestBreaker:
    async def opened(self, gate: Gate, who: Credential) -> None:
        for _ in range(3):
            await send(gate, who, CallResult.FAILED)

    async def test_consecutive_failures_open_it_for_a_stated_time(self, gate: Gate) -> None:
        who = credential(burst=50)
        await self.opened(gate, who)

        with pytest.raises(OutboundUnavailable) as caught:
            await gate.admit(who)
        assert caught.value.retry_after == 4
        assert not isinstance(caught.value, OutboundThrottled)

    async def test_a_success_between_failures_keeps_it_closed(self, gate: Gate) -> None:
        who = credential(burst=50)
        for _ in range(3):
            await send(gate, who, CallResult.FAILED)
            await send(gate, who, CallResult.FAILED)
            for _ in range(5):
                await send(gate, who)

        await gate.admit(who)

    async def test_many_calls_of_which_half_fail_open_it(self, gate: Gate) -> None:
        who = credential(burst=50)
        for _ in range(4):
            await send(gate, who)
        for _ in range(2):
            await send(gate, who, CallResult.FAILED)
        await send(gate, who)
        await send(gate, who, CallResult.FAILED)
        await send(gate, who, CallResult.FAILED)  # 4 of 9
        await send(gate, who)
        await send(gate, who, CallResult.FAILED)
        await send(gate, who, CallResult.FAILED)  # 6 of 12

        with pytest.raises(OutboundUnavailable):
            await gate.admit(who)

    async def test_one_call_probes_and_the_others_wait_for_it(self, gate: Gate, clock: MovableClock) -> None:
        who = credential(burst=50)
        await self.opened(gate, who)
        clock.advance(4)

        probe = await gate.admit(who)
        with pytest.raises(OutboundUnavailable) as caught:
            await gate.admit(who)
        assert caught.value.retry_after == SETTINGS.total_seconds

        await gate.settle(who, probe, CallResult.ANSWERED, hold=0)
        for _ in range(5):
            assert not (await gate.admit(who)).report

    async def test_each_failed_probe_doubles_the_pause_up_to_the_longest(self, gate: Gate, clock: MovableClock) -> None:
        who = credential(burst=50)
        await self.opened(gate, who)

        pauses = []
        for _ in range(4):
            with pytest.raises(OutboundUnavailable) as caught:
                await gate.admit(who)
            pauses.append(caught.value.retry_after)
            clock.advance(caught.value.retry_after or 0)
            await send(gate, who, CallResult.FAILED)
        assert pauses == [4, 8, 10, 10]

    async def test_the_probe_of_a_killed_worker_does_not_block_for_ever(self, gate: Gate, clock: MovableClock) -> None:
        who = credential(burst=50)
        await self.opened(gate, who)
        clock.advance(4)
        await gate.admit(who)

        clock.advance(SETTINGS.total_seconds)
        await send(gate, who)
        assert not (await gate.admit(who)).report

    async def test_a_probe_that_was_never_sent_lets_the_next_one_probe(self, gate: Gate, clock: MovableClock) -> None:
        who = credential(burst=50)
        await self.opened(gate, who)
        clock.advance(4)
        await send(gate, who, CallResult.UNKNOWN)

        assert (await gate.admit(who)).report

    async def test_late_failures_from_before_do_not_open_it_again(self, gate: Gate, clock: MovableClock) -> None:
        who = credential(burst=50)
        late = [await gate.admit(who) for _ in range(10)]
        await self.opened(gate, who)
        clock.advance(4)
        await send(gate, who)

        for admission in late:
            await gate.settle(who, admission, CallResult.FAILED, hold=0)
        await gate.admit(who)

    async def test_success_costs_no_report(self, gate: Gate) -> None:
        assert not (await gate.admit(credential())).report


class TestValkeyAway:
    async def test_limits_continue_in_the_process(self, clock: MovableClock) -> None:
        away = redis.asyncio.Redis.from_url("redis://127.0.0.1:1")
        gate, who = Gate(SETTINGS, away, clock), credential(rate=10, burst=3)

        assert [(await gate.admit(who)).wait for _ in range(4)] == [0, 0, 0, 0.1]
        for _ in range(3):
            await send(gate, who, CallResult.FAILED)
        with pytest.raises(OutboundUnavailable):
            await gate.admit(who)
        await away.aclose()

    async def test_an_unresponsive_valkey_delays_only_one_call(self, clock: MovableClock) -> None:
        asked, heard = 0, asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            heard.set()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        mute = redis.asyncio.Redis.from_url(f"redis://127.0.0.1:{port}")
        gate = Gate(replace(SETTINGS, valkey_seconds=1.0, valkey_rest_seconds=600), mute, clock)
        who = credential()

        assert [(await gate.admit(who)).shared for _ in range(3)] == [False, False, False]
        await heard.wait()
        assert asked == 1
        await mute.aclose()
        server.close()

    async def test_valkey_is_used_again_after_a_pause(self, valkey: "redis.asyncio.Redis", clock: MovableClock) -> None:
        gate = Gate(replace(SETTINGS, valkey_rest_seconds=0), valkey, clock)
        gate._resting_until = 0.0

        assert (await gate.admit(credential())).shared

    async def test_lost_data_means_a_fresh_start_not_an_error(
        self, valkey: "redis.asyncio.Redis", clock: MovableClock
    ) -> None:
        gate, who = Gate(SETTINGS, valkey, clock), credential(burst=50)
        admission = await gate.admit(who)
        await valkey.delete(who.key)

        await gate.settle(who, admission, CallResult.FAILED, hold=0)
        assert (await gate.admit(who)).shared


async def test_valkeys_own_clock_is_used_outside_simulations(
    valkey: "redis.asyncio.Redis", clock: MovableClock
) -> None:
    gate, who = Gate(replace(SETTINGS, clock_decides=False), valkey, clock), credential(rate=0.001, burst=1)
    await gate.admit(who)

    clock.advance(10**6)
    with pytest.raises(OutboundThrottled) as caught:
        await gate.admit(who)
    assert 990 < caught.value.retry_after <= 1000


async def test_a_clock_set_back_does_not_extend_pauses(valkey: "redis.asyncio.Redis", clock: MovableClock) -> None:
    gate, who = Gate(SETTINGS, valkey, clock), credential(rate=10, burst=3)
    clock.advance(600)
    await send(gate, who, CallResult.FAILED)
    await send(gate, who, hold=30)

    clock.advance(-600)
    with pytest.raises(OutboundThrottled) as caught:
        await gate.admit(who)
    assert caught.value.retry_after == 30


async def test_stored_keys_contain_the_tenant_and_expire(valkey: "redis.asyncio.Redis", clock: MovableClock) -> None:
    gate, who = Gate(SETTINGS, valkey, clock), credential()
    await gate.admit(who)

    assert who.key == f"fl:out:{who.tenant_id}:shop"
    assert 0 < await valkey.pttl(who.key) <= 86_400_000


@pytest.fixture(scope="module")
def plain(urls: Urls) -> Iterator["redis.Redis"]:
    client = redis.Redis.from_url(urls.redis)
    yield client
    client.close()


steps = st.lists(
    st.tuples(
        st.integers(0, 6_000_000),  # elapsed microseconds
        st.sampled_from(["admit", "answered", "failed", "unknown"]),
        st.sampled_from([0, 0, 0, 700_000, 9_000_000]),  # hold
        st.integers(0, 3),  # index of one of the open admissions
        st.sampled_from(AttemptKind),
    ),
    max_size=60,
)


@given(steps, st.sampled_from([0.5, 3, 10, 1000]), st.integers(1, 20))
@settings(max_examples=80)
def test_the_shared_form_answers_as_the_readable_form(
    plain: "redis.Redis", steps: list[tuple[int, str, int, int, AttemptKind]], rate: float, burst: int
) -> None:
    """Any history of calls, retries, failures and pauses."""
    who, local = credential(rate, burst), LocalGate(SETTINGS)
    breaker, window = SETTINGS.breaker, 20_000_000
    pending: list[int] = []
    now = 1_700_000_000_000_000
    common = (who.limit.interval, who.limit.burst, window)
    for passed, act, hold, which, attempt in steps:
        now += passed
        if act == "admit" or not pending:
            shared = plain.eval(
                ADMIT, 1, who.key, now, *common, 500_000, 10_000_000, int(attempt), 2_000_000, 3, 500_000
            )  # fmt: skip
            assert tuple(shared) == local.admit(who, now, attempt)
            if shared[0] == 0:
                pending.append(shared[2])
        else:
            generation = pending.pop(which % len(pending))
            result = {"answered": CallResult.ANSWERED, "failed": CallResult.FAILED, "unknown": CallResult.UNKNOWN}[act]
            plain.eval(
                SETTLE, 1, who.key, now, *common, generation, int(result), hold, breaker.failures,
                breaker.error_ratio, breaker.min_calls, 4_000_000, 10_000_000,
            )  # fmt: skip
            local.settle(who, now, generation, result, hold)
    plain.delete(who.key)


@given(st.lists(st.integers(0, 400_000), max_size=80), st.sampled_from([1, 7, 50]), st.integers(1, 10))
def test_no_window_ever_sees_more_than_the_burst_and_the_rate(gaps: list[int], rate: float, burst: int) -> None:
    local, who, now, sent = LocalGate(SETTINGS), credential(rate, burst), 0, []
    for gap in gaps:
        now += gap
        status, wait, *_ = local.admit(who, now)
        if status == 0:
            sent.append(now + wait)
    assert sent == sorted(sent)
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            assert last - first + 1 <= burst + (sent[last] - sent[first]) // who.limit.interval + 1
