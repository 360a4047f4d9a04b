"""Values possibly shown and never read back are counted as such, however their acceptance was lost."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from prometheus_client import generate_latest
from sqlalchemy import text

from canonical.elements import STOCK
from connectors.http.errors import failed_writes
from connectors.ports import ChannelWrite, WriteResult
from connectors.sandbox.faults import Faults
from connectors.sandbox.shop.adapter import SandboxShop
from foundation.i18n.messages import TEXT
from foundation.jobs.enqueue import enqueue
from foundation.outbound.errors import OutboundHeld, OutboundUnavailable
from governance.messages.reasons import UNANSWERED, UNPROVEN
from governance.propagation import settlement, verify_job
from governance.propagation.repository import reopen_propagation
from governance.propagation.settlement import push_job
from tests.connectors.running import RunningSandbox
from tests.support.client_env import ClientEnv
from tests.support.values import at


async def unproven(env: ClientEnv, amount: int) -> tuple[tuple[object, ...], list[tuple[object, ...]], str]:
    """(state, code of the error) of the value on the shop, its entries in the audit trail, and the metric."""
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = :a", a=amount)
    query = "SELECT state, error ->> 'code' FROM propagation WHERE connection_id = :c AND change_id = :id"
    (row,) = await env.rows(query, c=env.channels["shop0"], id=change_id)
    notes = await env.rows("SELECT subject FROM audit_entry WHERE action = 'propagation.unproven'")
    assert set(notes) <= {(f"change:{change_id}",)}
    exported = generate_latest(env.services.metrics).decode().splitlines()
    (counted,) = [line for line in exported if line.startswith("fairlead_unproven_deliveries_total{")] or ["0.0"]
    return row, notes, counted.rpartition(" ")[2]


async def lose(self: SandboxShop, *args: object) -> list[WriteResult]:
    """The shop applies the values and its response is lost."""
    await push(self, *args)  # type: ignore[arg-type]
    raise OutboundUnavailable(TEXT.write(text="The other system did not answer in time."))


async def fail(self: SandboxShop, *args: object) -> list[WriteResult]:
    """The shop applies the values and answers 502."""
    await push(self, *args)  # type: ignore[arg-type]
    writes: list[ChannelWrite] = args[2]  # type: ignore[assignment]
    failed = failed_writes(HttpAnswer(502), writes)
    assert failed is not None
    return failed


async def limit(_: SandboxShop, *args: object) -> list[WriteResult]:
    """The shop answers 429: nothing was applied."""
    failed = failed_writes(HttpAnswer(429), args[2])  # type: ignore[arg-type]
    assert failed is not None
    return failed


async def hold(*_: object) -> list[WriteResult]:
    """Our own limits blocked the values: nothing was sent."""
    raise OutboundHeld(TEXT.write(text="The breaker is open."))


async def miss(*_: object) -> list[WriteResult]:
    """No connection to the shop was established."""
    raise OutboundUnavailable(TEXT.write(text="The other system could not be reached."), sent=False)


class HttpAnswer:
    content = b""

    def __init__(self, status_code: int) -> None:
        self.status_code, self.headers = status_code, dict[str, str]()


push = SandboxShop.push


@pytest.mark.parametrize(("how", "counted"), [(lose, 1), (fail, 1), (limit, 0), (hold, 0), (miss, 0)])
async def test_a_value_sent_without_an_answer_and_superseded_is_counted(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch, how: Callable[..., Awaitable[list[WriteResult]]], counted: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(SandboxShop, "push", how)
        await env.deliver(env.change("SKU-001", STOCK, 5))
        await env.work()
        await env.deliver(env.change("SKU-001", STOCK, 6))
        # The newer value is planned before the earlier one can be sent again, however slow the machine is.
        await env.work(until="SELECT count(*) = 2 FROM change")
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE lane SET paused_until = NULL"))
    await env.work(until="SELECT bool_or(state = 'verified' AND minor(value) = 6) FROM propagation")
    await env.work(settle=20.0)
    (state, error), notes, metric = await unproven(env, 5)
    assert state == "superseded"
    assert (error in {UNPROVEN.code, UNANSWERED.code}) is bool(counted)
    assert len(notes) == counted
    assert metric == f"{float(counted)}"


async def test_a_replay_preserves_the_acceptance(
    env: ClientEnv, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (settlement, verify_job):
        monkeypatch.setattr(module, "FIRST_READ_SECONDS", 3600.0)
    sandbox.break_(env.urls["shop0"], Faults(discard=1.0))
    await env.deliver(env.change("SKU-001", STOCK, 5))
    await env.work()
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE minor(new_value) = 5")
    async with env.services.db.transaction(env.scope) as session:
        assert await reopen_propagation(session, UUID(str(change_id)), env.channels["shop0"]) == "pending"
        work = push_job(UUID(str(change_id)), env.channels["shop0"], at("SKU-001", STOCK), "replay")
        enqueue(session, [work])
        # The newer value is planned before the earlier one is pushed again, however slow the machine is.
        lane = "UPDATE lane SET paused_until = now() + interval '1 hour' WHERE name = :name"
        await session.execute(text(lane), {"name": work.lane})
    sandbox.mend(env.urls["shop0"])
    await env.deliver(env.change("SKU-001", STOCK, 6))
    await env.work(until="SELECT count(*) = 2 FROM change")
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE lane SET paused_until = NULL"))
    await env.work(settle=5.0)
    (state, _), notes, metric = await unproven(env, 5)
    assert (state, len(notes), metric) == ("superseded", 1, "1.0")
