"""What a dead or late worker leaves behind is done by another, once; what it does late counts for nothing."""

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
async def client(site: DrillWebApp) -> Client:
    return await site.add_client(skus=SKUS)


@pytest.fixture
async def load(site: DrillWebApp, client: Client) -> AsyncIterator[Load]:
    """Everything is whole: a first change went all the way."""
    await site.wait_until_ready()
    load = Load(client, site.addresses, seed=0, skus=SKUS, per_second=20)
    first = load.alone()
    await load.send(first)
    await site.proven(client, first.sku, first.amount)
    yield load
    site.sandbox.mend(client.shop.url)
    for target in WORKERS:
        if site.supervisor.pid(target) is not None:
            site.signal(target, signal.SIGCONT)


async def propagation_ids(site: DrillWebApp, client: Client, amount: int) -> tuple[UUID, str]:
    """The change to `amount`, and the id of its propagation to the shop, which is the idempotency key of the write."""
    rows = await site.wait_for(
        "SELECT change_id, id FROM propagation"
        " WHERE tenant_id = %(t)s AND connection_id = %(c)s AND minor(value) = %(amount)s",
        t=client.scope.tenant_id,
        c=client.shop.id,
        amount=amount,
    )
    return rows[0]["change_id"], str(rows[0]["id"])


async def shop_view(site: DrillWebApp, client: Client, change_id: UUID) -> tuple[PropagationView, list[AttemptView]]:
    """What people are shown of a change at the shop, once no call can be under way: delivery, and attempts in order."""
    async with site.services() as services, services.db.transaction(client.scope) as session:
        detail = await read_change(session, change_id, now=utc_now() + UNDER_WAY)
    (delivery,) = [each for each in detail.change.channels if each.connection_id == client.shop.id]
    attempts = [each for each in detail.attempts if each.connection_id == client.shop.id]
    return delivery, sorted(attempts, key=lambda attempt: attempt.id)


async def push_and_lose_the_answer(site: DrillWebApp, client: Client, load: Load, change: Sent) -> Target:
    """The shop shows the value, and the worker, whose name is returned, waits for an answer that does not come."""
    site.sandbox.break_(client.shop.url, Faults(lost_answer=1.0, hang_seconds=120, remaining=1))
    await load.send(change)

    async def shown() -> bool:
        return bool(site.effects(client.shop, change.sku))

    await until(shown, seconds=90)
    return await site.holder(f"push/{client.shop.id}")


async def test_a_worker_killed_between_push_and_finish_is_repeated_under_the_same_key(
    site: DrillWebApp, client: Client, load: Load, record_property: Callable[[str, object], None]
) -> None:
    change = load.alone()
    holder = await push_and_lose_the_answer(site, client, load, change)
    change_id, key = await propagation_ids(site, client, change.amount)
    delivery, attempts = await shop_view(site, client, change_id)
    assert (delivery.state, delivery.possibly_shown, [a.outcome for a in attempts]) == ("pending", True, ["unanswered"])
    killed_at = utc_now()
    site.supervisor.kill(holder)
    proven_at = await site.proven(client, change.sku, change.amount)
    assert [effect["key"] for effect in site.effects(client.shop, change.sku)] == [key]
    assert site.received(client.shop, key) == 2
    delivery, attempts = await shop_view(site, client, change_id)
    assert [attempt.outcome for attempt in attempts] == ["unanswered", "accepted"], "the lost one stays on record"
    assert (delivery.possibly_shown, delivery.read) == (False, delivery.value), "proven by its read-back"
    seconds = (proven_at - killed_at).total_seconds()
    record_property("figure", f"orphan recovery after kill -9 of a worker: {seconds:.1f} s (lease {LEASE_SECONDS} s)")


async def test_a_value_that_a_killed_worker_sent_and_a_newer_one_replaced_stays_possibly_shown(
    site: DrillWebApp, client: Client, load: Load
) -> None:
    older = msgspec.structs.replace(load.alone(), alone=False)
    holder = await push_and_lose_the_answer(site, client, load, older)
    newer = msgspec.structs.replace(load.alone(), sku=older.sku, alone=False)
    await load.send(newer)
    await propagation_ids(site, client, newer.amount)  # waits in the lane that the worker still holds
    site.supervisor.kill(holder)
    await site.proven(client, newer.sku, newer.amount)
    assert [effect["amount"] for effect in site.effects(client.shop, older.sku)] == [older.amount, newer.amount]
    change_id, key = await propagation_ids(site, client, older.amount)
    assert site.received(client.shop, key) == 1, "sent once, by the worker that died"
    delivery, attempts = await shop_view(site, client, change_id)
    assert [(attempt.outcome, attempt.answered_at) for attempt in attempts] == [("unanswered", None)]
    assert (delivery.state, delivery.verified_at, delivery.possibly_shown) == ("superseded", None, True)
    assert delivery.problem is not None
    assert delivery.problem.code == "propagation.unanswered"
    recorded = await site.rows(
        "SELECT count(*) FILTER (WHERE body LIKE %(shop)s) AS audited,"
        " (SELECT count(*) FROM usage_event WHERE tenant_id = %(t)s AND id = %(key)s) AS billed FROM audit_entry"
        " WHERE tenant_id = %(t)s AND action = 'propagation.unproven' AND subject = %(change)s",
        t=client.scope.tenant_id,
        key=key,
        shop=f"%{client.shop.id}%",
        change=f"change:{change_id}",
    )
    assert recorded == [{"audited": 1, "billed": 0}]


async def test_a_stopped_workers_late_write_and_late_transaction_come_to_nothing(
    site: DrillWebApp, client: Client, load: Load
) -> None:
    site.sandbox.break_(client.shop.url, Faults(held=1.0, remaining=1))
    older = msgspec.structs.replace(load.alone(), alone=False)
    await load.send(older)
    # The fault is the next request's and ends with it: then the write is on its way, and stays there until we mend.
    await until(lambda: asyncio.to_thread(site.sandbox.is_well, client.shop.url), seconds=90)
    zombie = await site.holder(f"push/{client.shop.id}")
    site.signal(zombie, signal.SIGSTOP)
    _, key = await propagation_ids(site, client, older.amount)
    newer = msgspec.structs.replace(load.alone(), sku=older.sku, alone=False)
    await load.send(newer)
    await site.proven(client, newer.sku, newer.amount)
    assert site.received(client.shop, key) == 0, "the stopped worker's write should still be on its way"
    site.sandbox.mend(client.shop.url)

    async def arrived() -> bool:
        return site.received(client.shop, key) == 1

    await until(arrived, seconds=90)
    site.signal(zombie, signal.SIGCONT)

    async def fenced() -> bool:
        return site.said(zombie, "lane.lease_lost", f"push/{client.shop.id}")

    await until(fenced, seconds=90)
    assert [effect["amount"] for effect in site.effects(client.shop, older.sku)] == [newer.amount]
    states = await site.rows(
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


async def test_a_worker_stopped_inside_its_transaction_holds_nobody_up(
    site: DrillWebApp, client: Client, load: Load
) -> None:
    change = load.alone()
    head = "SELECT 1 FROM audit_head WHERE tenant_id = %(t)s FOR UPDATE"
    async with site.locked(head, t=client.scope.tenant_id):
        await load.send(change)
        zombie = await site.holder(f"ingest/{client.erp}")
        await site.wait_for(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND application_name LIKE 'fairlead worker%%'"
        )
        site.signal(zombie, signal.SIGSTOP)
    await site.proven(client, change.sku, change.amount)
    site.signal(zombie, signal.SIGCONT)
    assert len(site.effects(client.shop, change.sku)) == 1
