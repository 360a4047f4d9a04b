"""Two ERPs of one client, each the source of truth of its own part of the records."""

import asyncio
import base64
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from canonical.keys import ElementKey
from controlplane.provisioning import NewConnection, connect
from foundation.clock import utc_now
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import new_id
from foundation.jobs.enqueue import enqueue
from foundation.scope import Actor, Scope
from governance.approvals.release import answer_change
from governance.connections.pause import pause_connection, resume_connection
from governance.drift.repository import next_values
from governance.elements.publish_contract import MOST_CONTRACTS, publish_contract
from governance.elements.remove_contract import remove_contract
from governance.exception_queue.lists import EXCEPTIONS
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import NewException
from governance.held_values.queries import list_held
from governance.messages.exceptions import DRIFT_REPORTED
from governance.messages.parameters import about
from governance.overview.queries import read_clocks
from governance.propagation.settlement import push_job
from policy.publishing import publish_rules
from policy.rules import ANYONE, PolicyRule, RuleKind
from tests.connectors.running import RunningSandbox
from tests.governance.baseline.clients import read_and_accept
from tests.support.client_env import ClientEnv
from tests.support.values import pieces

WAREHOUSE = "record_key=SKU-01*"
AVAILABLE = "stock.available"
_VALUES = "SELECT record_key, element, minor(value) FROM record_value ORDER BY 1, 2"
_OPEN = "SELECT code, connection_id, record_key FROM governance_exception WHERE state = 'open' ORDER BY 1, 3"
_SHOWN = """
    SELECT n.name, v.record_key, minor(v.value) FROM channel_value v JOIN connection n ON n.id = v.connection_id
     WHERE v.element = :e ORDER BY 1, 2
"""


async def connect_warehouse(env: ClientEnv, sandbox: RunningSandbox) -> ClientEnv:
    """A second ERP of the client, as an environment of the same client."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    new = NewConnection("sandbox-erp", "Warehouse", sandbox.add("sandbox-erp"), secrets={"webhook_secret": secret})
    return replace(env, erp=await connect(env.services, env.scope, new), hook_secret=secret)


async def publish(
    env: ClientEnv, source: UUID | None, *elements: str, selector: str = WAREHOUSE, owner: str = "Warehouse"
) -> None:
    async with env.services.db.transaction(env.scope) as session:
        for element in elements:
            await publish_contract(
                session, element=element, selector=selector, source_connection_id=source, owner=owner, now=utc_now(),
                propagation_slo=timedelta(minutes=1), correction_slo=timedelta(hours=2),
            )  # fmt: skip


async def remove(env: ClientEnv, element: str, selector: str = WAREHOUSE) -> UUID | None:
    async with env.services.db.transaction(env.scope) as session:
        following = await remove_contract(session, element=element, selector=selector, now=utc_now())
        return following.source_connection_id


async def approve(env: ClientEnv, change_id: UUID) -> None:
    """Approve as a member, and run the resulting jobs."""
    scope = Scope(env.scope.msp_id, env.scope.tenant_id, Actor("member", str(new_id()), "Ada"))
    async with env.services.db.transaction(scope) as session:
        await answer_change(session, change_id, grant=True, reason="looked at it", now=utc_now())
    await env.work(settle=0.5)


async def audited(env: ClientEnv, action: str) -> list[dict[str, Any]]:
    rows = await env.rows("SELECT body FROM audit_entry WHERE action = :a ORDER BY seq", a=action)
    return [msgspec.json.decode(str(body))["data"] for (body,) in rows]


@pytest.fixture
async def warehouse(env: ClientEnv, sandbox: RunningSandbox) -> ClientEnv:
    """The ERP that owns price and stock of the records SKU-01*; `env.erp` owns the others."""
    second = await connect_warehouse(env, sandbox)
    await publish(env, second.erp, PRICE, STOCK)
    return second


async def test_both_reach_the_same_channels_each_with_its_own_records(
    env: ClientEnv, warehouse: ClientEnv, other_env: ClientEnv
) -> None:
    async with env.services.db.transaction(env.scope) as session:
        passes = [
            PolicyRule(f"pass-{each}", RuleKind.GOVERNANCE, ANYONE, "", each, "auto", description="Passes.")
            for each in (PRICE, STOCK)
        ]
        await publish_rules(session, env.scope, rules=passes, clock=utc_now, new_id=new_id)
    await env.deliver(env.change("SKU-001", STOCK, 5), env.change("SKU-001", PRICE, 1999))
    await warehouse.deliver(warehouse.change("SKU-011", STOCK, 7), warehouse.change("SKU-011", PRICE, 2999))
    await env.work(settle=20.0)
    expected = [("SKU-001", PRICE, 1999), ("SKU-001", STOCK, 5), ("SKU-011", PRICE, 2999), ("SKU-011", STOCK, 7)]
    assert await env.rows(_VALUES) == expected
    for element, amounts in ((STOCK, (5, 7)), (PRICE, (1999, 2999))):
        assert await env.rows(_SHOWN, e=element) == [
            (name, record, amount)
            for name in sorted(env.channels)
            for record, amount in zip(("SKU-001", "SKU-011"), amounts, strict=True)
        ]
    assert await env.rows(_OPEN) == []
    assert await other_env.rows("SELECT DISTINCT selector FROM element_contract") == [("",)]


async def test_neither_sets_a_record_of_the_other(env: ClientEnv, warehouse: ClientEnv) -> None:
    await env.deliver(env.change("SKU-001", STOCK, 5))
    await warehouse.deliver(warehouse.change("SKU-011", STOCK, 7))
    await env.work(settle=20.0)
    await env.deliver(env.change("SKU-011", STOCK, 70))
    await warehouse.deliver(warehouse.change("SKU-001", STOCK, 50), warehouse.change("SKU-002", STOCK, 9))
    await env.work(settle=20.0)
    assert await env.rows(_VALUES) == [("SKU-001", STOCK, 5), ("SKU-011", STOCK, 7)]
    assert await env.rows(_OPEN) == [
        ("channel.drift", warehouse.erp, "SKU-001"), ("channel.drift", warehouse.erp, "SKU-002"),
        ("channel.drift", env.erp, "SKU-011"),
    ]  # fmt: skip
    exceptions = await env.exceptions("record_key = 'SKU-011'")
    assert [each.channel for each in exceptions] == ["ERP"]
    assert "Change the value in the source of truth" in exceptions[0].detail


async def test_an_element_without_default_contract_holds_unselected_values(
    env: ClientEnv, warehouse: ClientEnv
) -> None:
    await publish(env, warehouse.erp, AVAILABLE)
    changes = [warehouse.change(record, AVAILABLE, 4) for record in ("SKU-011", "SKU-001", "SKU-002")]
    await warehouse.deliver(*changes)
    await env.work()
    assert await env.rows("SELECT record_key FROM record_value") == [("SKU-011",)]
    (exception,) = await env.exceptions()
    assert (exception.code, "none of its contracts selects" in exception.detail) == ("contract.missing", True)
    async with env.services.db.transaction(env.scope) as session:
        (group,) = await list_held(session)
    assert (group.values, group.unselected, group.has_contract, group.source) == (2, 2, True, None)
    await publish(env, warehouse.erp, AVAILABLE, selector="record_key=SKU-001*")
    await env.work(settle=20.0)
    assert await env.rows("SELECT record_key FROM record_value ORDER BY 1") == [("SKU-001",), ("SKU-011",)]
    assert [each.code for each in await env.exceptions("state = 'open'")] == ["contract.missing"], "SKU-002 is held"
    await publish(env, warehouse.erp, AVAILABLE, selector="")
    await env.work(settle=20.0)
    assert await env.rows("SELECT count(*) FROM held_observation") == [(0,)]
    assert await env.rows(_OPEN) == []


async def test_values_the_new_source_reported_before_its_contract_are_processed(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    second = await connect_warehouse(env, sandbox)
    await second.deliver(second.change("SKU-011", STOCK, 7), second.change("SKU-001", STOCK, 8))
    await env.work()
    assert [row[2] for row in await env.rows(_OPEN)] == ["SKU-001", "SKU-011"]
    await publish(env, second.erp, STOCK)
    await env.work(settle=20.0)
    assert await env.rows(_VALUES) == [("SKU-011", STOCK, 7)]
    assert [row[2] for row in await env.rows(_OPEN)] == ["SKU-001"], "the rest is still not its own"


async def test_records_that_change_their_owner_keep_their_value_and_are_audited(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await env.deliver(*(env.change(f"SKU-01{n}", STOCK, n) for n in (1, 2)), env.change("SKU-001", STOCK, 3))
    await env.work(settle=20.0)
    second = await connect_warehouse(env, sandbox)
    before = await env.rows("SELECT count(*) FROM change")
    await publish(env, second.erp, STOCK)
    await env.work(settle=1.0)
    assert await env.rows("SELECT count(*) FROM change") == before
    assert await env.rows(_VALUES) == [("SKU-001", STOCK, 3), ("SKU-011", STOCK, 1), ("SKU-012", STOCK, 2)]
    last = (await audited(env, "contract.published"))[-1]
    assert (last["selector"], last["before"], last["values"]) == (WAREHOUSE, str(env.erp), 2)
    await second.deliver(second.change("SKU-011", STOCK, 4, version=1))
    await env.work(settle=20.0)
    assert ("SKU-011", STOCK, 4) in await env.rows(_VALUES), "versions of another source are not compared"


async def test_an_approval_of_the_former_owners_value_is_requested_again(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    """The approval covers the record's source of truth, which is another system by now."""
    second = await connect_warehouse(env, sandbox)
    await env.deliver(*(env.change("SKU-011", *part) for part in ((COST, 5_000), (PRICE, 10_000))))
    await env.work()
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    await publish(env, second.erp, PRICE)
    await approve(env, UUID(str(change_id)))
    assert await env.rows("SELECT state FROM change WHERE element = :e", e=PRICE) == [("awaiting_approval",)]
    (exception,) = await env.exceptions("code = 'approval.stale'")
    assert "its owner" in exception.detail
    assert await env.rows("SELECT state FROM approval ORDER BY state") == [("pending",), ("withdrawn",)]
    await approve(env, UUID(str(change_id)))
    assert await env.rows("SELECT state FROM change WHERE element = :e", e=PRICE) == [("released",)]


async def test_an_approval_is_used_once_the_new_owner_reports_the_same_value(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    second = await connect_warehouse(env, sandbox)
    await env.deliver(*(env.change("SKU-011", *part) for part in ((COST, 5_000), (PRICE, 10_000))))
    await env.work()
    ((change_id,),) = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    await publish(env, second.erp, PRICE)
    await second.deliver(second.change("SKU-011", PRICE, 10_000))
    await env.work()
    await approve(env, UUID(str(change_id)))
    assert await env.rows("SELECT state FROM change WHERE element = :e", e=PRICE) == [("released",)]
    assert await env.rows(_OPEN) == []


async def test_a_removed_contract_falls_to_the_default_one(env: ClientEnv, warehouse: ClientEnv) -> None:
    await warehouse.deliver(warehouse.change("SKU-011", STOCK, 7))
    await env.work(settle=20.0)
    assert await remove(env, STOCK) == env.erp
    (entry,) = await audited(env, "contract.removed")
    assert (entry["selector"], entry["source"], entry["values"]) == (WAREHOUSE, str(env.erp), 1)
    assert await env.rows(_VALUES) == [("SKU-011", STOCK, 7)]
    await warehouse.deliver(warehouse.change("SKU-011", STOCK, 8))
    await env.deliver(env.change("SKU-011", STOCK, 9))
    await env.work(settle=20.0)
    assert await env.rows(_VALUES) == [("SKU-011", STOCK, 9)]


async def test_a_contract_is_only_removed_while_another_owns_its_values(
    env: ClientEnv, warehouse: ClientEnv, other_env: ClientEnv
) -> None:
    with pytest.raises(InvalidInput, match="To change this one, publish it again"):
        await remove(env, STOCK, "")
    with pytest.raises(NotFound):
        await remove(env, STOCK, "record_key=X*")
    with pytest.raises(NotFound):
        await remove(other_env, STOCK)
    await publish(env, warehouse.erp, AVAILABLE)
    with pytest.raises(Conflict, match="nobody would own"):
        await remove(env, AVAILABLE)
    assert (await env.rows("SELECT count(*) FROM element_contract WHERE selector <> ''")) == [(3,)]


@pytest.mark.parametrize(
    ("published", "removed"),
    [("record_key=X-*", " record_key = X-* "), ("location=Lager Nord", "location=Lager%20Nord"),
     ("location=Lager%20Nord", "location = Lager Nord")],
)  # fmt: skip
async def test_a_contract_is_removed_by_any_selector_that_publishes_it(
    env: ClientEnv, other_env: ClientEnv, published: str, removed: str
) -> None:
    for each in (env, other_env):
        await publish(each, each.erp, STOCK, selector=published)
    assert await remove(env, STOCK, removed) == env.erp
    assert await env.rows("SELECT count(*) FROM element_contract WHERE selector <> ''") == [(0,)]
    assert await other_env.rows("SELECT count(*) FROM element_contract WHERE selector <> ''") == [(1,)]
    with pytest.raises(NotFound):
        await remove(env, STOCK, removed)
    with pytest.raises(InvalidInput):
        await remove(env, STOCK, "SKU")
    with pytest.raises(InvalidInput, match="publish it again"):
        await remove(env, STOCK, " ")


async def test_an_element_has_a_number_of_contracts_at_most(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("""
                INSERT INTO element_contract (tenant_id, msp_id, element, selector, owner, workflow, propagation_slo_ms,
                                              correction_slo_ms, approval_ttl_s, version, published_at)
                SELECT tenant_id, msp_id, element, 'record_key=' || n || '-*', owner, workflow, 1, 1, 1, 1, now()
                  FROM element_contract, generate_series(2, :most) n WHERE element = :e AND selector = ''
            """),
            {"most": MOST_CONTRACTS, "e": STOCK},
        )
    with pytest.raises(Conflict, match=f"at most {MOST_CONTRACTS} contracts"):
        await publish(env, env.erp, STOCK, selector="record_key=new-*")
    await publish(env, env.erp, STOCK, selector="record_key=7-*", owner="Another")
    await publish(env, env.erp, PRICE, selector="record_key=new-*")
    await remove(env, STOCK, "record_key=7-*")
    await publish(env, env.erp, STOCK, selector="record_key=new-*")


async def test_the_shortest_target_is_no_target_of_zero(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        made = await publish_contract(
            session, element=STOCK, source_connection_id=env.erp, owner="Operations", now=utc_now(),
            propagation_slo=timedelta(microseconds=1), correction_slo=timedelta(microseconds=1001),
            approval_ttl=timedelta(milliseconds=400), decision_slo=timedelta(microseconds=400),
        )  # fmt: skip
    targets = made.propagation_slo_ms, made.correction_slo_ms, made.approval_ttl_s, made.decision_slo_ms
    assert targets == (1, 2, 1, 1)


async def test_overlapping_contracts_are_refused_even_at_once(env: ClientEnv, warehouse: ClientEnv) -> None:
    for selector in ("record_key=SKU-011*", "record_key=SKU*", "location=Berlin"):
        with pytest.raises(InvalidInput, match="would match both"):
            await publish(env, env.erp, STOCK, selector=selector)
    with pytest.raises(InvalidInput, match="not divided by 'location'"):
        await publish(env, env.erp, PRICE, selector="location=Berlin")
    overlapping = [publish(env, env.erp, COST, selector=f"record_key={'X' * n}*") for n in (1, 2, 3)]
    results = await asyncio.gather(*overlapping, return_exceptions=True)
    assert [type(each) for each in results if each] == [InvalidInput, InvalidInput]


async def test_a_part_of_a_dimension_selects_values(env: ClientEnv, warehouse: ClientEnv) -> None:
    """The warehouse owns the stock at Berlin, of every record."""
    await remove(env, STOCK)
    await publish(env, warehouse.erp, STOCK, selector="location=Berlin")
    for amount, sender in enumerate((env, warehouse), 1):
        changes = [
            sender.change("SKU-001", STOCK, 0) | {"value": msgspec.to_builtins(pieces(amount)), "dimension": dimension}
            for dimension in ("", "location=Berlin")
        ]
        await sender.deliver(*changes)
    await env.work(settle=20.0)
    assert await env.rows("SELECT dimension, minor(value) FROM record_value ORDER BY 1") == [
        ("", 1), ("location=Berlin", 2),
    ]  # fmt: skip


async def test_the_targets_and_the_owner_are_those_of_the_contract_that_selects(
    env: ClientEnv, warehouse: ClientEnv
) -> None:
    await env.deliver(env.change("SKU-001", STOCK, 5), env.change("SKU-012", STOCK, 5))
    await warehouse.deliver(warehouse.change("SKU-011", STOCK, 7))
    await env.work(settle=20.0)
    slo = "SELECT DISTINCT record_key, extract(epoch FROM slo_due_at - released_at)::int FROM propagation ORDER BY 1"
    assert await env.rows(slo) == [("SKU-001", 30), ("SKU-011", 60)]
    async with env.services.db.transaction(env.scope) as session:
        clocks = [each for each in await read_clocks(session, now=utc_now()) if each.element == STOCK]
        found = await EXCEPTIONS.load(session, EXCEPTIONS.query(owner="Warehouse"), utc_now())
        none = await EXCEPTIONS.load(session, EXCEPTIONS.query(owner="Operations"), utc_now())
    assert {(each.channel, each.selector, each.slo.total_seconds(), each.in_time) for each in clocks} == {
        (name, selector, seconds, 1) for name in env.channels for selector, seconds in (("", 30), (WAREHOUSE, 60))
    }
    assert [[each.record_key for each in page.items] for page in (found, none)] == [["SKU-012"], []]


async def test_a_channel_that_owns_some_records_gets_only_the_others(env: ClientEnv) -> None:
    """Also after a pause during which a contract made the channel the source of the missed values."""
    shop = env.channels["shop0"]
    async with env.services.db.transaction(env.scope) as session:
        await pause_connection(session, shop, now=utc_now())
    await env.deliver(env.change("SKU-001", STOCK, 5), env.change("SKU-011", STOCK, 6))
    await env.work(until="SELECT count(*) = 2 FROM propagation WHERE state = 'verified'")
    await publish(env, shop, STOCK)
    async with env.services.db.transaction(env.scope) as session:
        (own,) = [
            each for each in await read_clocks(session, now=utc_now()) if each.is_paused and each.element == STOCK
        ]
        await resume_connection(session, shop, now=utc_now())
    assert (own.selector, own.unsent) == ("", 1)
    await env.work(until="SELECT count(*) = 3 FROM propagation WHERE state = 'verified'")
    sent = await env.rows("SELECT record_key FROM propagation WHERE connection_id = :c", c=shop)
    assert sent == [("SKU-001",)]
    market = env.channels["market1"]
    await publish(env, market, STOCK)
    async with env.services.db.transaction(env.scope) as session:
        compared = await next_values(session, market, limit=10)
    assert [each.record_key for each in compared] == ["SKU-001"], "what it owns by now is no drift"


async def test_pending_deliveries_to_the_new_owner_are_not_sent(env: ClientEnv) -> None:
    shop = env.channels["shop0"]
    await env.deliver(env.change("SKU-001", STOCK, 5), env.change("SKU-011", STOCK, 6))
    await env.work(until="SELECT count(*) = 4 FROM propagation WHERE state = 'verified'")
    ours = await env.rows("SELECT record_key, change_id FROM propagation WHERE connection_id = :c", c=shop)
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("UPDATE propagation SET state = 'pending', verified_at = NULL WHERE connection_id = :c"), {"c": shop}
        )
        enqueue(session, [push_job(UUID(str(change)), shop, ElementKey(str(sku), STOCK), "") for sku, change in ours])
    await publish(env, shop, STOCK)
    await env.work(until="SELECT count(*) = 0 FROM propagation WHERE state = 'pending'")
    left = await env.rows("SELECT record_key, state FROM propagation WHERE connection_id = :c ORDER BY 1", c=shop)
    assert left == [("SKU-001", "verified"), ("SKU-011", "superseded")]


async def test_a_channels_value_is_no_drift_once_it_owns_it(env: ClientEnv) -> None:
    shop = env.channels["shop0"]
    found = [
        NewException(
            ExceptionType.CHANNEL_DRIFT, f"{shop}:{key.joined(':')}",
            DRIFT_REPORTED.fill(**about(key), value=pieces(9)), key=key, connection_id=shop,
        )
        for key in (ElementKey("SKU-001", STOCK), ElementKey("SKU-011", STOCK))
    ]  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        await open_exceptions(session, found, now=utc_now(), new_id=new_id)
    await publish(env, shop, STOCK)
    await env.work(settle=1.0)
    assert [row[2] for row in await env.rows(_OPEN)] == ["SKU-001"]


async def test_a_baseline_reads_each_record_from_its_own_source(env: ClientEnv, sandbox: RunningSandbox) -> None:
    """Both systems report every record."""
    second = await connect_warehouse(env, sandbox)
    await publish(env, second.erp, PRICE, STOCK, selector=WAREHOUSE)
    await read_and_accept(env)
    taken = await env.rows(
        "SELECT element, source_connection_id, count(*) FROM record_value GROUP BY 1, 2 ORDER BY 1, 3"
    )
    own: Sequence[tuple[str, UUID, int]] = [
        (COST, env.erp, 20), (PRICE, env.erp, 10), (PRICE, second.erp, 10), (STOCK, env.erp, 10),
        (STOCK, second.erp, 10),
    ]  # fmt: skip
    items = await env.rows("SELECT element, connection_id, count(*) FROM baseline_item GROUP BY 1, 2")
    assert sorted(items) == sorted(own)
    assert sum(int(str(row[2])) for row in taken) == 60
    assert await env.rows(_OPEN) == []


async def test_a_source_renames_its_own_records_only(env: ClientEnv, warehouse: ClientEnv) -> None:
    for sender, title in ((env, "ERP's"), (warehouse, "Warehouse's")):
        await sender.deliver(*(sender.change(record, STOCK, 1) | {"title": title} for record in ("SKU-001", "SKU-011")))
        await env.work(settle=20.0)
    assert await env.rows("SELECT record_key, title FROM record_title ORDER BY 1") == [
        ("SKU-001", "ERP's"), ("SKU-011", "Warehouse's"),
    ]  # fmt: skip
