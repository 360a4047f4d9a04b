"""Decision and delivery have separate clocks: time that approvals take never makes a channel late."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from prometheus_client import generate_latest
from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from connectors.sandbox.faults import Faults
from foundation.clock import utc_now
from governance.approvals.expiry_job import expire_waiting
from governance.changes.lists import CHANGES
from governance.changes.queries import list_changes
from governance.changes.rollback import roll_back_change
from governance.changes.schemas import ChangeView
from governance.connections.pause import pause_connection, resume_connection
from governance.exceptions.lifecycle import close_exception
from governance.exceptions.states import ExceptionState
from governance.fleet.lists import FLEET
from governance.fleet.queries import ClientHealth, list_fleet
from governance.overview.queries import read_clocks, read_figures
from governance.partner_channel.queries import read_channel
from governance.propagation.delivery import LATE, is_late
from governance.propagation.states import RUNNING
from governance.slo.breach_job import breach_slos
from governance.slo.suspension import move_clocks
from tenants.accounts import suspend_client
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import approve_all, seed
from tests.support.as_owner import update_as_owner
from tests.support.client_env import ClientEnv

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAYS = timedelta(days=2) - timedelta(minutes=1)
_CODES = "SELECT code FROM governance_exception WHERE state = 'open' ORDER BY code"
_SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3))
_PASSED = {
    "change": ("committed_at", "proposed_at", "decided_at"),
    "approval": ("created_at", "due_at", "expires_at", "decided_at", "used_at"),
    "propagation": ("committed_at", "released_at", "slo_due_at", "verified_at", "accepted_at", "excluded_until"),
    "connection": ("paused_at", "missing_since"),
    "element_contract": ("clocks_from",),
    "timer": ("due_at",),
}


async def pass_by(env: ClientEnv, time: timedelta) -> None:
    for table, columns in _PASSED.items():
        update_as_owner(env, table, ", ".join(f"{column} = {column} - %(by)s" for column in columns), by=time)


async def asked(env: ClientEnv) -> None:
    """A price that needs approval on both channels."""
    await seed(env)
    await env.deliver(env.change("SKU-001", COST, 5_000), env.change("SKU-001", PRICE, 9_000))
    await env.work()
    assert await env.rows("SELECT count(*) FROM change WHERE state = 'awaiting_approval'") == [(1,)]


async def latest(env: ClientEnv) -> ChangeView:
    async with env.services.db.transaction(env.scope) as session:
        found = await list_changes(session, CHANGES.query(record="SKU-001", element=PRICE), utc_now())
    return found.items[0]


async def test_decision_time_does_not_count_as_delivery_time(env: ClientEnv) -> None:
    await asked(env)
    await pass_by(env, DAYS)
    await approve_all(env)
    await env.work(until=f"SELECT NOT EXISTS (SELECT FROM propagation WHERE {RUNNING})")
    change = await latest(env)
    assert change.decision_time is not None
    assert change.decision_time > DAYS
    for p in change.channels:
        assert (p.state, p.late) == ("verified", False)
        assert p.took is not None
        assert p.took < timedelta(seconds=20)
        assert p.slo_due_at == p.released_at + timedelta(seconds=30)
        assert p.verified_at is not None
        decision = p.released_at - change.proposed_at - change.decision_excluded
        delivery = p.verified_at - p.released_at - p.excluded
        assert (decision, delivery) == (change.decision_time, p.took)
    async with env.services.db.transaction(env.scope) as session:
        figures = await read_figures(session, now=utc_now())
        clocks = await read_clocks(session, now=utc_now())
    assert figures.most_s is not None
    assert figures.most_s < 20
    assert figures.decision_most_s is not None
    assert figures.decision_most_s > 0.9 * DAYS.total_seconds()
    assert sum(clock.late + clock.breached for clock in clocks) == 0
    metrics = generate_latest(env.services.metrics).decode()
    assert f'fairlead_decision_seconds_sum{{tenant_id="{env.scope.tenant_id}"}} 172' in metrics
    assert "fairlead_delivery_seconds_count" in metrics


async def test_an_unanswered_approval_is_overdue_and_counts_against_no_channel(env: ClientEnv) -> None:
    await asked(env)
    await pass_by(env, timedelta(hours=25))
    await env.work()
    assert await env.rows(_CODES) == [("approval.late",)]
    assert await env.rows("SELECT connection_id FROM governance_exception WHERE code = 'approval.late'") == [(None,)]
    await approve_all(env)
    await env.work(until=f"SELECT NOT EXISTS (SELECT FROM propagation WHERE {RUNNING})")
    assert await env.rows(_CODES) == []


async def test_an_overdue_approval_that_expires_is_one_exception(env: ClientEnv) -> None:
    await asked(env)
    await pass_by(env, timedelta(hours=25))
    await env.work()
    await pass_by(env, timedelta(hours=25))
    await env.work()
    assert await env.rows(_CODES) == [("approval.expired",)]


async def test_a_newer_value_ends_an_overdue_approval_and_starts_its_own_clock(env: ClientEnv) -> None:
    await asked(env)
    await pass_by(env, timedelta(hours=25))
    await env.work()
    await env.deliver(env.change("SKU-001", PRICE, 9_100))
    await env.work()
    assert await env.rows(_CODES) == []
    ((due,),) = await env.rows("SELECT due_at FROM approval WHERE state = 'pending'")
    assert isinstance(due, datetime)
    assert due - utc_now() > timedelta(hours=23)


async def test_late_reports_of_a_source_do_not_count_as_delivery_time(env: ClientEnv) -> None:
    await seed(env)
    change = env.change("SKU-001", STOCK, 7)
    change["committed_at"] = (utc_now() - timedelta(days=3)).isoformat()
    await env.deliver(change)
    await env.work(until=f"SELECT NOT EXISTS (SELECT FROM propagation WHERE {RUNNING})")
    assert await env.rows("SELECT DISTINCT breached FROM propagation WHERE minor(value) = 7") == [(False,)]
    assert await env.rows(_CODES) == []


async def hold(env: ClientEnv) -> None:
    """An approved price waits for a new decision, because the cost changed before the push."""
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text(
                f"UPDATE propagation SET state = 'stale_approval', slo_due_at = now() - interval '1 h' WHERE {RUNNING}"
            )
        )


@pytest.mark.parametrize("stop", [hold], ids=["stale_approval"])
async def test_values_on_hold_wait_for_a_decision(
    env: ClientEnv, sandbox: RunningSandbox, stop: Callable[[ClientEnv], Awaitable[None]]
) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(outage=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work()
    await stop(env)
    async with env.services.db.transaction(env.scope) as session:
        assert await breach_slos(session, env.services.governance) == 0
    assert not any(p.late for p in (await latest(env)).channels)


async def test_a_rollbacks_clock_starts_at_the_rollback(env: ClientEnv) -> None:
    await asked(env)
    await pass_by(env, DAYS)
    await approve_all(env)
    await env.work(until=f"SELECT NOT EXISTS (SELECT FROM propagation WHERE {RUNNING})")
    await pass_by(env, timedelta(days=5))
    change = await latest(env)
    async with env.services.db.transaction(env.scope) as session:
        await roll_back_change(session, env.services.governance, change.id)
    back = await latest(env)
    assert {p.slo_due_at - p.released_at for p in back.channels} == {timedelta(seconds=30)}
    assert all(utc_now() - p.released_at < timedelta(minutes=1) and not p.late for p in back.channels)


async def paused_delivery(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(outage=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        await pause_connection(session, env.channels["shop0"], now=utc_now())


async def test_time_in_which_a_channel_is_paused_does_not_count(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await paused_delivery(env, sandbox)
    await pass_by(env, timedelta(hours=6))
    async with env.services.db.transaction(env.scope) as session:
        assert await breach_slos(session, env.services.governance) == 0
    (shop,) = [p for p in (await latest(env)).channels if p.channel == "shop0"]
    assert (shop.late, shop.is_paused) == (False, True)
    async with env.services.db.transaction(env.scope) as session:
        await resume_connection(session, env.channels["shop0"], now=utc_now())
    (shop,) = [p for p in (await latest(env)).channels if p.channel == "shop0"]
    assert not shop.late
    assert shop.excluded > timedelta(hours=5, minutes=59)
    assert shop.slo_due_at == shop.released_at + timedelta(seconds=30) + shop.excluded


@pytest.mark.parametrize(("suspended", "paused", "excluded"), [(4, 6, 6), (6, 4, 6), (6, 1, 5)])
async def test_a_pause_and_a_suspension_that_overlap_are_excluded_once(
    env: ClientEnv, sandbox: RunningSandbox, suspended: int, paused: int, excluded: int
) -> None:
    """The suspension ends two hours ago, the pause now; both are given in hours before now."""
    await paused_delivery(env, sandbox)
    await pass_by(env, timedelta(hours=7))
    now = utc_now()
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE connection SET paused_at = :at WHERE state = 'paused'"), {"at": now - timedelta(hours=paused)}
        )
        await move_clocks(session, now - timedelta(hours=suspended), now - timedelta(hours=2))
        await resume_connection(session, env.channels["shop0"], now=now)
    (shop,) = [p for p in (await latest(env)).channels if p.channel == "shop0"]
    assert shop.excluded == timedelta(hours=excluded)


async def test_missed_values_are_timed_from_the_resumption(env: ClientEnv) -> None:
    await seed(env)
    channel = env.channels["shop0"]
    async with env.services.db.transaction(env.scope) as session:
        await pause_connection(session, channel, now=utc_now())
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work()
    await pass_by(env, timedelta(hours=6))
    async with env.services.db.transaction(env.scope) as session:
        await resume_connection(session, channel, now=utc_now())
    await env.work(
        until="SELECT count(*) = 2 FROM propagation WHERE element = 'price.list' AND state = 'verified'"
        " AND minor(value) = 10400",
    )
    for p in (await latest(env)).channels:
        assert not p.late
        assert p.took is not None
        assert p.took < timedelta(seconds=30)
        assert p.verified_at is not None
        assert p.excluded + p.took == p.verified_at - p.released_at


_STATES = ("pending", "accepted", "verified", "stale_approval", "refused", "failed", "superseded")


async def test_pages_timeline_and_figures_agree_on_lateness(env: ClientEnv, sandbox: RunningSandbox) -> None:
    """The rule in Python and its equivalent in SQL agree for every state, mark and channel."""
    await paused_delivery(env, sandbox)
    for state in _STATES:
        for breached in (True, False):
            for active in (True, False):
                for before in (timedelta(seconds=-5), timedelta(0), timedelta(seconds=5)):
                    verified_at = NOW if state == "verified" else None
                    recorded = NOW - before < NOW if state == "verified" else breached
                    async with env.services.db.transaction(env.scope) as session:
                        await session.execute(
                            text("""
                                UPDATE propagation SET state = :state, breached = :breached, slo_due_at = :due,
                                       verified_at = CAST(:verified AS timestamptz)
                            """),
                            {"state": state, "breached": recorded, "due": NOW - before, "verified": verified_at},
                        )
                        await session.execute(
                            text("UPDATE connection SET state = :state"), {"state": "active" if active else "paused"}
                        )
                        sql = await session.scalars(text(f"SELECT DISTINCT {LATE} FROM propagation p"), {"now": NOW})
                        expected = is_late(
                            state=state, breached=recorded, slo_due_at=NOW - before, verified_at=verified_at,
                            channel_active=active, now=NOW,
                        )  # fmt: skip
                        assert sql.all() == [expected], (state, breached, active, before)
                        await session.rollback()


async def test_expiry_job_marks_nothing_of_a_client_in_time(env: ClientEnv) -> None:
    await asked(env)
    async with env.services.db.transaction(env.scope) as session:
        await expire_waiting(session, env.services.governance)
    assert await env.rows("SELECT DISTINCT overdue FROM approval WHERE state = 'pending'") == [(False,)]


async def test_nothing_is_late_while_the_client_is_suspended(env: ClientEnv, sandbox: RunningSandbox) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(outage=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        await suspend_client(session, reason="unpaid", now=utc_now())
    await pass_by(env, timedelta(hours=6))
    assert not any(p.late for p in (await latest(env)).channels)
    async with env.services.db.transaction(env.scope) as session:
        assert sum(clock.late for clock in await read_clocks(session, now=utc_now())) == 0


async def on_fleet(env: ClientEnv) -> ClientHealth:
    async with env.services.db.transaction(env.msp_account.for_fleet()) as session:
        (client,) = (await list_fleet(session, FLEET.query(), utc_now())).items
    return client


async def resolve_all(env: ClientEnv) -> None:
    """Resolve every open exception as a member."""
    for (exception_id,) in await env.rows("SELECT id FROM governance_exception WHERE state = 'open'"):
        async with env.services.db.transaction(env.scope) as session:
            await close_exception(session, exception_id, state=ExceptionState.RESOLVED, now=utc_now())  # type: ignore[arg-type]


async def test_late_deliveries_are_counted_by_themselves_not_by_open_exceptions(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await seed(env)
    sandbox.break_(env.urls["shop0"], Faults(outage=1.0))
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work()
    await pass_by(env, timedelta(days=5))
    for job_has_run in (False, True):
        if job_has_run:
            async with env.services.db.transaction(env.scope) as session:
                assert await breach_slos(session, env.services.governance) == 1
            assert await env.rows(_CODES) == [("propagation.slo_breached",)]
            await resolve_all(env)
            assert await env.rows(_CODES) == []
        assert [p.late for p in (await latest(env)).channels if p.channel == "shop0"] == [True]
        async with env.services.db.transaction(env.scope) as session:
            assert sum(clock.late for clock in await read_clocks(session, now=utc_now())) == 1
            figures = await read_channel(session, now=utc_now())
        assert (figures.running, figures.late) == (1, 1)
        client = await on_fleet(env)
        assert (client.running, client.late, client.health) == (1, 1, "at risk")


async def test_overdue_approvals_are_counted_by_themselves_not_by_open_exceptions(env: ClientEnv) -> None:
    await asked(env)
    await pass_by(env, timedelta(hours=25))
    await env.work()
    assert await env.rows(_CODES) == [("approval.late",)]
    await resolve_all(env)
    async with env.services.db.transaction(env.scope) as session:
        assert (await read_figures(session, now=utc_now())).overdue == 1
    assert (await on_fleet(env)).overdue == 1
