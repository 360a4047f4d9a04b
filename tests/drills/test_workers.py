"""Dead and delayed workers: another worker does their jobs once, and late effects are rejected."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import msgspec
import pytest

from connectors.sandbox.faults import Faults
from foundation.clock import utc_now
from governance.changes.queries import read_change
from governance.propagation.attempt_queries import UNDER_WAY
from governance.propagation.schemas import AttemptView, PropagationView
from tests.drills.history import Sent
from tests.drills.load import Load
from tests.drills.plan import LEASE_SECONDS, WORKERS, Target
from tests.drills.web_app import Client, DrillWebApp, until

pytestmark = pytest.mark.chaos
SKUS = 60


@pytest.fixture
async def client(web_app: DrillWebApp) -> Client:
    return await web_app.add_client(skus=SKUS)


@pytest.fixture
async def load(web_app: DrillWebApp, client: Client) -> AsyncIterator[Load]:
    """A load whose first change was delivered end to end."""
    await web_app.wait_until_ready()
    load = Load(client, web_app.addresses, seed=0, skus=SKUS, per_second=20)
    first = load.alone()
    await load.send(first)
    await web_app.proven(client, first.sku, first.amount)
    yield load
    web_app.sandbox.mend(client.shop.url)
    for target in WORKERS:
        if web_app.supervisor.pid(target) is not None:
            web_app.signal(target, signal.SIGCONT)


async def propagation_ids(web_app: DrillWebApp, client: Client, amount: int) -> tuple[UUID, str]:
    """The change to `amount`, and the id of its propagation to the shop, which is the idempotency key of the write."""
    rows = await web_app.wait_for(
        "SELECT change_id, id FROM propagation"
        " WHERE tenant_id = %(t)s AND connection_id = %(c)s AND minor(value) = %(amount)s",
        t=client.scope.tenant_id,
        c=client.shop.id,
        amount=amount,
    )
    return rows[0]["change_id"], str(rows[0]["id"])


async def shop_view(web_app: DrillWebApp, client: Client, change_id: UUID) -> tuple[PropagationView, list[AttemptView]]:
    """The displayed state of a change at the shop when no call can be in progress: delivery, and attempts in order."""
    async with web_app.services() as services, services.db.transaction(client.scope) as session:
        detail = await read_change(session, change_id, now=utc_now() + UNDER_WAY)
    (delivery,) = [each for each in detail.change.channels if each.connection_id == client.shop.id]
    attempts = [each for each in detail.attempts if each.connection_id == client.shop.id]
    return delivery, sorted(attempts, key=lambda attempt: attempt.id)


async def push_and_lose_the_answer(web_app: DrillWebApp, client: Client, load: Load, change: Sent) -> Target:
    """The shop shows the value, and the worker, whose name is returned, waits for a response that never arrives."""
    web_app.sandbox.break_(client.shop.url, Faults(lost_answer=1.0, hang_seconds=120, remaining=1))
    await load.send(change)

    async def shown() -> bool:
        return bool(web_app.effects(client.shop, change.sku))

    await until(shown, seconds=90)
    return await web_app.holder(f"push/{client.shop.id}")


async def test_a_worker_killed_between_push_and_finish_is_repeated_under_the_same_key(
    web_app: DrillWebApp, client: Client, load: Load, record_property: Callable[[str, object], None]
) -> None:
    change = load.alone()
    holder = await push_and_lose_the_answer(web_app, client, load, change)
    change_id, key = await propagation_ids(web_app, client, change.amount)
    delivery, attempts = await shop_view(web_app, client, change_id)
    assert (delivery.state, delivery.possibly_shown, [a.outcome for a in attempts]) == ("pending", True, ["unanswered"])
    killed_at = utc_now()
    web_app.supervisor.kill(holder)
    proven_at = await web_app.proven(client, change.sku, change.amount)
    assert [effect["key"] for effect in web_app.effects(client.shop, change.sku)] == [key]
    assert web_app.received(client.shop, key) == 2
    delivery, attempts = await shop_view(web_app, client, change_id)
    assert [attempt.outcome for attempt in attempts] == ["unanswered", "accepted"], "the lost one stays on record"
    assert (delivery.possibly_shown, delivery.read) == (False, delivery.value), "proven by its read-back"
    seconds = (proven_at - killed_at).total_seconds()
    record_property("figure", f"orphan recovery after kill -9 of a worker: {seconds:.1f} s (lease {LEASE_SECONDS} s)")


async def test_a_value_that_a_killed_worker_sent_and_a_newer_one_replaced_stays_possibly_shown(
    web_app: DrillWebApp, client: Client, load: Load
) -> None:
    older = msgspec.structs.replace(load.alone(), alone=False)
    holder = await push_and_lose_the_answer(web_app, client, load, older)
    newer = msgspec.structs.replace(load.alone(), sku=older.sku, alone=False)
    await load.send(newer)
    await propagation_ids(web_app, client, newer.amount)  # stays in the lane that the worker still holds
    web_app.supervisor.kill(holder)
    await web_app.proven(client, newer.sku, newer.amount)
    assert [effect["amount"] for effect in web_app.effects(client.shop, older.sku)] == [older.amount, newer.amount]
    change_id, key = await propagation_ids(web_app, client, older.amount)
    assert web_app.received(client.shop, key) == 1, "sent once, by the worker that died"
    delivery, attempts = await shop_view(web_app, client, change_id)
    assert [(attempt.outcome, attempt.answered_at) for attempt in attempts] == [("unanswered", None)]
    assert (delivery.state, delivery.verified_at, delivery.possibly_shown) == ("superseded", None, True)
    assert delivery.problem is not None
    assert delivery.problem.code == "propagation.unanswered"
    recorded = await web_app.rows(
        "SELECT count(*) FILTER (WHERE body LIKE %(shop)s) AS audited,"
        " (SELECT count(*) FROM usage_event WHERE tenant_id = %(t)s AND id = %(key)s) AS billed FROM audit_entry"
        " WHERE tenant_id = %(t)s AND action = 'propagation.unproven' AND subject = %(change)s",
        t=client.scope.tenant_id,
        key=key,
        shop=f"%{client.shop.id}%",
        change=f"change:{change_id}",
    )
    assert recorded == [{"audited": 1, "billed": 0}]


async def test_a_stopped_workers_late_write_and_transaction_have_no_effect(
    web_app: DrillWebApp, client: Client, load: Load
) -> None:
    web_app.sandbox.break_(client.shop.url, Faults(held=1.0, remaining=1))
    older = msgspec.structs.replace(load.alone(), alone=False)
    await load.send(older)
    # The fault affects the next request only; the write is then in flight until the link is repaired.
    await until(lambda: asyncio.to_thread(web_app.sandbox.is_well, client.shop.url), seconds=90)
    zombie = await web_app.holder(f"push/{client.shop.id}")
    _, key = await propagation_ids(web_app, client, older.amount)
    newer = msgspec.structs.replace(load.alone(), sku=older.sku, alone=False)
    await load.send(newer)
    # The older value is superseded before the lease can end; otherwise the next worker would send it again.
    await propagation_ids(web_app, client, newer.amount)
    web_app.signal(zombie, signal.SIGSTOP)
    await web_app.proven(client, newer.sku, newer.amount)
    assert web_app.received(client.shop, key) == 0, "the stopped worker's write should still be on its way"
    web_app.sandbox.mend(client.shop.url)

    async def arrived() -> bool:
        return web_app.received(client.shop, key) == 1

    await until(arrived, seconds=90)
    web_app.signal(zombie, signal.SIGCONT)

    async def fenced() -> bool:
        return web_app.has_logged(zombie, "lane.lease_lost", f"push/{client.shop.id}")

    await until(fenced, seconds=90)
    assert [effect["amount"] for effect in web_app.effects(client.shop, older.sku)] == [newer.amount]
    states = await web_app.rows(
        """
        SELECT minor(value) AS amount, state FROM propagation
         WHERE tenant_id = %(t)s AND connection_id = %(c)s AND record_key = %(sku)s ORDER BY version
        """,
        t=client.scope.tenant_id,
        c=client.shop.id,
        sku=older.sku,
    )
    assert [(row["amount"], row["state"]) for row in states] == [
        (older.amount, "superseded"),
        (newer.amount, "verified"),
    ]


async def test_a_worker_stopped_inside_its_transaction_blocks_no_other(
    web_app: DrillWebApp, client: Client, load: Load
) -> None:
    change = load.alone()
    head = "SELECT 1 FROM audit_head WHERE tenant_id = %(t)s FOR UPDATE"
    async with web_app.locked(head, t=client.scope.tenant_id):
        await load.send(change)
        zombie = await web_app.holder(f"ingest/{client.erp}")
        await web_app.wait_for(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND application_name LIKE 'fairlead worker%%'"
        )
        web_app.signal(zombie, signal.SIGSTOP)
    await web_app.proven(client, change.sku, change.amount)
    web_app.signal(zombie, signal.SIGCONT)
    assert len(web_app.effects(client.shop, change.sku)) == 1
