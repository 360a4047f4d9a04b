"""Each push of a value is recorded before the request is sent, so that the record survives a crash of the worker."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from canonical.elements import STOCK
from canonical.keys import ElementKey
from connectors.ports import WriteResult
from connectors.sandbox.shop.adapter import SandboxShop
from foundation.clock import utc_now
from foundation.i18n.messages import TEXT
from foundation.outbound.errors import OutboundHeld, OutboundUnavailable
from governance.changes.queries import find_change, read_change
from governance.changes.rollback import roll_back_change
from governance.changes.timeline import build_timeline
from governance.propagation import push_job
from governance.propagation.repository import load_sent
from tests.governance.test_main_job import member_scope
from tests.support.client_env import ClientEnv

_ROWS = """
    SELECT a.outcome, a.status_code, a.is_retry, a.answered_at IS NOT NULL AS answered FROM propagation_attempt a
     WHERE a.connection_id = :c ORDER BY a.id
"""
push = SandboxShop.push


async def die(*_: object) -> None:
    raise RuntimeError("The worker died before it recorded the answer.")


async def wake(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE lane SET paused_until = NULL"))
        await session.execute(text("UPDATE job SET ready_at = clock_timestamp() WHERE delayed"))


async def deliver_and_die(env: ClientEnv, monkeypatch: pytest.MonkeyPatch, amount: int) -> UUID:
    """The shop accepts the value, and the worker records nothing. Returns the change."""
    with monkeypatch.context() as patched:
        patched.setattr(push_job, "complete_attempts", die)
        await env.deliver(env.change("SKU-001", STOCK, amount))
        await env.work()
    ((change_id,),) = await env.rows("SELECT id FROM change ORDER BY version DESC LIMIT 1")
    return UUID(str(change_id))


async def test_an_attempt_records_request_and_answer(env: ClientEnv) -> None:
    await env.deliver(env.change("SKU-001", STOCK, 5))
    await env.work(until="SELECT bool_and(state = 'verified') FROM propagation")
    ((change_id,),) = await env.rows("SELECT id FROM change")
    async with env.services.db.transaction(env.scope) as session:
        detail = await read_change(session, UUID(str(change_id)), now=utc_now())
    assert {attempt.connection_id for attempt in detail.attempts} == set(env.channels.values())
    (own,) = [attempt for attempt in detail.attempts if attempt.connection_id == env.channels["shop0"]]
    assert [one.attempts for one in detail.change.channels] == [1] * len(env.channels)
    value = detail.change.new
    assert (own.sent, own.read, own.outcome, own.status_code, own.is_retry) == (value, value, "accepted", 200, False)
    assert own.answered_at is not None
    assert own.answered_at >= own.started_at
    assert own.bytes
    assert own.duration_ms is not None


async def test_a_worker_that_dies_before_it_records_leaves_an_attempt_without_an_answer(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = env.channels["shop0"]
    change_id = await deliver_and_die(env, monkeypatch, 5)
    assert (await env.rows(_ROWS, c=shop))[0] == (None, None, False, False)
    async with env.services.db.transaction(env.scope) as session:
        (own,) = [p for p in (await find_change(session, change_id, now=utc_now())).channels if p.connection_id == shop]
        sent = await load_sent(session, [(shop, ElementKey("SKU-001", STOCK))], since=own.released_at)
    assert own.possibly_shown
    assert own.value in next(iter(sent.values())), "the echo of it is one"
    await wake(env)
    await env.work(until="SELECT bool_and(state = 'verified') FROM propagation")
    rows = await env.rows(_ROWS, c=shop)
    assert rows[0] == (None, None, False, False), "it stays on record"
    assert rows[-1][0] == "accepted"
    async with env.services.db.transaction(env.scope) as session:
        detail = await read_change(session, change_id, now=utc_now().replace(year=2040))
    (own,) = [p for p in detail.change.channels if p.connection_id == shop]
    assert (own.state, own.possibly_shown, own.read) == ("verified", False, own.value), "proven by its read-back"
    titles = [entry.title for entry in build_timeline(detail, names=_Names())]
    assert "Possibly shown on shop0" in titles


async def test_a_value_sent_by_a_dead_worker_counts_as_possibly_shown(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_id = await deliver_and_die(env, monkeypatch, 5)
    await env.deliver(env.change("SKU-001", STOCK, 6))
    await wake(env)
    await env.work(until="SELECT count(*) = 2 FROM propagation WHERE state = 'verified' AND version = 2")
    query = "SELECT id, state, error, sent_at IS NOT NULL FROM propagation WHERE connection_id = :c AND change_id = :id"
    ((propagation_id, state, error, sent),) = await env.rows(query, c=env.channels["shop0"], id=change_id)
    assert (state, sent) == ("superseded", True)
    assert error["code"] == "propagation.unanswered"  # type: ignore[index]
    assert await env.rows("SELECT 1 FROM audit_entry WHERE action = 'propagation.unproven'") != []
    # The other channel may show the first value before the second one is planned.
    assert await env.rows("SELECT count(*) FROM usage_event WHERE id = :id", id=propagation_id) == [(0,)]


async def held(*_: object) -> list[WriteResult]:
    raise OutboundHeld(TEXT.write(text="The breaker is open."))


async def unreachable(*_: object) -> list[WriteResult]:
    raise OutboundUnavailable(TEXT.write(text="The other system could not be reached."), sent=False)


async def lost(*_: object) -> list[WriteResult]:
    raise OutboundUnavailable(TEXT.write(text="The other system did not answer in time."))


@pytest.mark.parametrize(("how", "left"), [(held, {0}), (unreachable, {1}), (lost, {3, 4, 5})])
async def test_attempts_that_had_no_effect_leave_no_row_for_every_second_of_an_outage(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch, how: Callable[..., Awaitable[list[WriteResult]]], left: set[int]
) -> None:
    monkeypatch.setattr(SandboxShop, "push", how)
    await env.deliver(env.change("SKU-001", STOCK, 5))
    for _ in range(3):
        lane = f"push/{env.channels['shop0']}"
        await env.work(until=f"SELECT bool_or(paused_until IS NOT NULL) FROM lane WHERE name = '{lane}'")
        await wake(env)
    rows = await env.rows(_ROWS, c=env.channels["shop0"])
    assert len(rows) in left
    assert all(answered for *_, answered in rows)


async def test_an_answer_is_recorded_once_and_never_removed(env: ClientEnv, other_env: ClientEnv) -> None:
    await env.deliver(env.change("SKU-001", STOCK, 5))
    await env.work(until="SELECT bool_and(state = 'verified') FROM propagation")
    for statement in (
        "UPDATE propagation_attempt SET outcome = 'refused' RETURNING 1",
        "DELETE FROM propagation_attempt RETURNING 1",
    ):
        async with env.services.db.transaction(env.scope) as session:
            assert (await session.execute(text(statement))).all() == []
    with pytest.raises(DBAPIError, match="permission denied"):
        async with env.services.db.transaction(env.scope) as session:
            await session.execute(text("UPDATE propagation_attempt SET sent = '{}'"))
    assert await other_env.rows("SELECT 1 FROM propagation_attempt") == []


async def test_a_channel_can_be_rolled_back_after_a_worker_died(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    await env.deliver(env.change("SKU-001", STOCK, 5))
    await env.work(until="SELECT bool_and(state = 'verified') FROM propagation")
    change_id = await deliver_and_die(env, monkeypatch, 7)
    async with env.services.db.transaction(member_scope(env)) as session:
        shop = env.channels["shop0"]
        back = await roll_back_change(session, env.services.governance, change_id, connection_id=shop)
        restored = await find_change(session, back, now=utc_now())
        before = await find_change(session, change_id, now=utc_now())
    assert restored.new == before.old


class _Names(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key
