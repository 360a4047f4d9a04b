"""Batches of messages in which one is invalid."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from canonical.messages import Observation
from connectors.ports import PayloadInvalid
from connectors.translation.job_type import TRANSLATE, ingest_lane
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.jobs.enqueue import NewJob, enqueue
from governance.changes.replay import replay_exception
from governance.records.validation import admit
from tests.governance.test_main_job import member_scope, seed
from tests.support.client_env import ClientEnv
from tests.support.values import minor, pieces


async def test_a_job_without_its_message_is_a_dead_letter_and_the_rest_continues(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        enqueue(session, [NewJob(ingest_lane(env.erp), TRANSLATE, str(env.erp), ref=new_id())])
    await env.deliver(env.change("SKU-002", STOCK, 6))
    await env.work(settle=20.0)
    assert await env.rows("SELECT record_key FROM record_value") == [("SKU-002",)]
    ((kind, error),) = await env.rows("SELECT kind, error FROM dead_letter")
    assert kind == "governance.ingest_events"
    assert error == {"code": "connector.message_gone", "params": {}}


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        Observation("A\x00", STOCK, pieces(1), 1, NOW),
        Observation("", STOCK, pieces(1), 1, NOW),
        Observation("A", STOCK, minor(1), 1, NOW),
        Observation("A", STOCK, pieces(1), 2**63, NOW),
        Observation("A", STOCK, pieces(1), 1, NOW.replace(tzinfo=None)),
        Observation("A", STOCK, pieces(1), 1, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
    ],
)
def test_unstorable_values_are_not_admitted(wrong: Observation) -> None:
    with pytest.raises(PayloadInvalid):
        admit(wrong, received_at=NOW)


def test_a_senders_clock_that_runs_ahead_does_not_stop_ours() -> None:
    ahead = Observation("A", STOCK, pieces(1), 1, datetime(9999, 12, 31, tzinfo=timezone(-timedelta(hours=12))))
    assert admit(ahead, received_at=NOW).committed_at == NOW
    before = Observation("A", STOCK, pieces(1), 1, NOW - timedelta(seconds=1))
    assert admit(before, received_at=NOW) is before


async def test_an_impossible_time_quarantines_one_message_only(env: ClientEnv) -> None:
    early = env.change("SKU-001", STOCK, 4) | {"committed_at": "0001-01-01T00:00:00+14:00"}
    late = env.change("SKU-002", STOCK, 5) | {"committed_at": "9999-12-31T23:59:59Z"}
    nul = env.change("SKU-\x00", STOCK, 6)
    for change in (early, late, nul, env.change("SKU-003", STOCK, 7)):
        await env.deliver(change)
    await env.work(settle=20.0)
    assert await env.rows("SELECT record_key FROM record_value ORDER BY 1") == [("SKU-002",), ("SKU-003",)]
    assert await env.rows("SELECT code, count(*) FROM governance_exception GROUP BY code") == [
        ("source.quarantined", 2)
    ]
    assert await env.rows("SELECT count(*) FROM propagation WHERE slo_due_at > now() + interval '1 minute'") == [(0,)]
    assert await env.rows("SELECT count(*) FROM dead_letter") == [(0,)]


@pytest.mark.parametrize(
    "twice",
    [
        '"amount": 1, "amount": 900',
        '"amount": 900, "amount": 900',
        '"sku": "SKU-009", "amount": 900',
        '"amount": 1, "am\\u006funt": 900',
        '"amount": 900, "more": [{"a": 1, "a": 2}]',
    ],
)
async def test_a_message_with_a_field_twice_is_quarantined_and_not_guessed(env: ClientEnv, twice: str) -> None:
    committed = utc_now().isoformat()
    odd = (
        f'{{"sku": "SKU-001", "element": "stock.on_hand", "currency": "", "version": 70, '
        f'"committed_at": "{committed}", {twice}}}'
    )
    good = msgspec.json.encode(env.change("SKU-002", STOCK, 6)).decode()
    body = f'{{"type": "changes", "changes": [{odd}, {good}]}}'.encode()
    await env.deliver_bytes(body)
    await env.deliver_bytes(f'{{"changes": [{good}], "changes": []}}'.encode())
    await env.deliver(env.change("SKU-003", STOCK, 7))
    await env.work(settle=20.0)
    assert await env.rows("SELECT record_key FROM record_value ORDER BY 1") == [("SKU-002",), ("SKU-003",)]
    found = await env.rows("SELECT code, params::text FROM governance_exception WHERE state = 'open'")
    assert [code for code, _ in found] == ["source.quarantined"] * 2
    assert all("more than once, so its value is ambiguous" in str(params) for _, params in found)
    assert (await env.rows("SELECT count(*) FROM dead_letter")) == [(0,)]
    bodies = await env.rows("SELECT e.body FROM source_event e JOIN governance_exception x ON x.source_event_id = e.id")
    assert (body,) in bodies


async def test_a_version_that_is_too_high_does_not_mute_a_record(env: ClientEnv) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", PRICE, 10_100, version=2**62))
    await env.deliver(env.change("SKU-001", PRICE, 10_200), env.change("SKU-001", STOCK, 3))
    await env.work(settle=20.0)
    ((exception_id, code, key),) = await env.rows("SELECT id, code, record_key FROM governance_exception")
    assert (code, key) == ("source.stale", "SKU-001")
    async with env.services.db.transaction(member_scope(env)) as session:
        await replay_exception(session, exception_id, now=utc_now())  # type: ignore[arg-type]
    await env.work(settle=20.0)
    assert await env.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_200,)]
    await env.deliver(env.change("SKU-001", PRICE, 10_300))
    await env.work(settle=20.0)
    assert await env.rows("SELECT minor(value) FROM record_value WHERE element = 'price.list'") == [(10_300,)]
    assert await env.rows("SELECT state FROM governance_exception") == [("resolved",)]


async def test_versions_of_the_source_before_do_not_count_for_the_next(env: ClientEnv) -> None:
    await env.deliver(env.change("SKU-001", STOCK, 3, version=2**60))
    await env.work(settle=20.0)
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(text("UPDATE record_value SET source_connection_id = gen_random_uuid()"))
    await env.deliver(env.change("SKU-001", STOCK, 4))
    await env.work(settle=20.0)
    assert await env.rows("SELECT minor(value) FROM record_value") == [(4,)]


async def test_an_accepted_cost_is_audited_and_one_outside_policy_is_pending(
    env: ClientEnv,
) -> None:
    await seed(env)
    await env.deliver(env.change("SKU-001", COST, 5_200))
    await env.deliver(env.change("SKU-001", COST, -1))
    await env.work()
    assert await env.rows("SELECT minor(value) FROM record_value WHERE element = 'price.cost'") == [(5_200,)]
    noted = await env.rows(
        "SELECT body::jsonb->'data'->'old'->>'amount', body::jsonb->'data'->'new'->>'amount' FROM audit_entry"
        " WHERE action = 'reference.updated' ORDER BY seq"
    )
    assert noted == [(None, "50"), ("50", "52")]
    asked = await env.rows("SELECT minor(new_value), state FROM change WHERE element = 'price.cost'")
    assert asked == [(-1, "awaiting_approval")]
