"""Two records of a source with one key are reported; nothing is released for the key until only one has it."""

from contextlib import nullcontext
from uuid import UUID

import msgspec
import pytest

from canonical.elements import PRICE, STOCK
from canonical.messages import Observation
from connectors.sandbox.erp.adapter import SandboxErp
from foundation.clock import utc_now
from governance.approvals.release import answer_change
from governance.changes.replay import replay_exception
from governance.errors import NotAwaiting
from tests.governance.baseline.clients import read
from tests.governance.test_main_job import member_scope, seed
from tests.support.client_env import ClientEnv

_OPEN = "SELECT code, record_key FROM governance_exception WHERE state = 'open'"
_STATES = "SELECT code, state FROM governance_exception ORDER BY opened_at"


def of(env: ClientEnv, record_id: str, sku: str, amount: int, element: str = STOCK) -> dict[str, object]:
    return env.change(sku, element, amount) | {"record_id": record_id}


async def approved(env: ClientEnv) -> list[tuple[object, ...]]:
    return await env.rows(
        "SELECT record_key, minor(value) FROM record_value WHERE element = 'stock.on_hand' ORDER BY 1"
    )


async def test_two_records_that_alternate_on_one_key_release_nothing(env: ClientEnv) -> None:
    await env.deliver(of(env, "7", "SKU-001", 10))
    await env.work(settle=20.0)
    metered = await env.rows("SELECT count(*) FROM usage_event")
    for amount in (21, 22, 23):
        await env.deliver(of(env, "8", "SKU-001", amount))
        await env.deliver(of(env, "7", "SKU-001", amount - 10))
        await env.work()
    assert await approved(env) == [("SKU-001", 10)]
    assert await env.rows("SELECT count(*) FROM change") == [(1,)]
    assert await env.rows("SELECT count(*) FROM usage_event") == metered
    assert await env.rows(_OPEN) == [("source.duplicate_key", "SKU-001")]
    [found] = await env.exceptions()
    assert "records 7, 8 have the key SKU-001" in found.detail


async def test_it_is_corrected_when_one_record_gets_another_key(env: ClientEnv) -> None:
    await env.deliver(of(env, "7", "SKU-001", 10), of(env, "8", "SKU-001", 20), of(env, "9", "SKU-003", 30))
    await env.work(settle=5.0)
    assert await approved(env) == [("SKU-003", 30)]
    await env.deliver(of(env, "8", "SKU-002", 25))
    await env.work(settle=20.0)
    assert await approved(env) == [("SKU-001", 10), ("SKU-002", 25), ("SKU-003", 30)]
    assert await env.rows(_STATES) == [("source.duplicate_key", "resolved")]


async def test_a_rename_and_a_swap_in_one_message_are_no_duplicates(env: ClientEnv) -> None:
    await env.deliver(of(env, "7", "SKU-001", 10), of(env, "8", "SKU-002", 20))
    await env.work(settle=20.0)
    await env.deliver(of(env, "7", "SKU-002", 11), of(env, "8", "SKU-001", 21))
    await env.work(settle=20.0)
    assert await approved(env) == [("SKU-001", 21), ("SKU-002", 11)]
    await env.deliver(of(env, "7", "SKU-004", 12))
    await env.deliver(of(env, "9", "SKU-002", 13))
    await env.work(settle=20.0)
    assert await approved(env) == [("SKU-001", 21), ("SKU-002", 13), ("SKU-004", 12)]
    assert await env.rows(_OPEN) == []


async def test_a_swap_in_two_messages_ends_as_it_is(env: ClientEnv) -> None:
    await env.deliver(of(env, "7", "SKU-001", 10), of(env, "8", "SKU-002", 20))
    await env.work(settle=20.0)
    await env.deliver(of(env, "7", "SKU-002", 11))
    await env.work()
    assert await approved(env) == [("SKU-001", 10), ("SKU-002", 20)]
    await env.deliver(of(env, "8", "SKU-001", 21))
    await env.work(settle=20.0)
    assert await approved(env) == [("SKU-001", 21), ("SKU-002", 11)]
    assert await env.rows(_OPEN) == []


async def test_confirming_that_the_other_record_is_gone_accepts_the_last_one(env: ClientEnv) -> None:
    await env.deliver(of(env, "7", "SKU-001", 10))
    await env.deliver(of(env, "8", "SKU-001", 20))
    await env.work(settle=5.0)
    [(exception_id,)] = await env.rows("SELECT id FROM governance_exception")
    async with env.services.db.transaction(member_scope(env)) as session:
        await replay_exception(session, UUID(str(exception_id)), now=utc_now())
    await env.work(settle=20.0)
    assert await approved(env) == [("SKU-001", 20)]
    assert await env.rows(_OPEN) == []


async def test_keys_that_differ_in_a_blank_or_in_case_are_two_keys(env: ClientEnv) -> None:
    keys = ["SKU-001", "SKU-001 ", "sku-001", "SKU-00\u0301", "SKU-0\u00f3"]
    await env.deliver(*(of(env, str(n), key, n) for n, key in enumerate(keys)))
    await env.work(settle=5.0)
    assert len(await approved(env)) == len(keys)
    assert ("source.duplicate_key",) not in await env.rows("SELECT code FROM governance_exception")


async def test_one_invalid_change_of_a_message_delays_nothing_else(env: ClientEnv) -> None:
    await seed(env)
    bad = env.change("SKU-002", STOCK, 5) | {"amount": 2.5}
    unknown = env.change("SKU-003", PRICE, 500) | {"currency": "ZZZ"}
    await env.deliver(env.change("SKU-001", STOCK, 3), bad, unknown, env.change("SKU-004", STOCK, 4))
    await env.work(settle=20.0)
    assert await approved(env) == [("SKU-001", 3), ("SKU-004", 4)]
    found = "SELECT code, record_key, state FROM governance_exception ORDER BY record_key"
    assert await env.rows(found) == [
        ("source.quarantined", "SKU-002", "open"), ("source.quarantined", "SKU-003", "open"),
    ]  # fmt: skip
    await env.deliver(env.change("SKU-002", STOCK, 6))
    await env.work(settle=20.0)
    assert await approved(env) == [("SKU-001", 3), ("SKU-002", 6), ("SKU-004", 4)]
    assert ("source.quarantined", "SKU-002", "resolved") in await env.rows(found)


async def test_a_pending_change_is_not_approved_while_its_key_is_duplicated(env: ClientEnv) -> None:
    await env.deliver(of(env, "7", "SKU-001", 10_000, PRICE))
    await env.work()
    [(change_id,)] = await env.rows("SELECT id FROM change WHERE state = 'awaiting_approval'")
    await env.deliver(of(env, "8", "SKU-001", 10_100, PRICE))
    await env.work()
    for grant, refused in ((True, True), (False, False)):
        async with env.services.db.transaction(member_scope(env)) as session:
            with pytest.raises(NotAwaiting) if refused else nullcontext():
                await answer_change(session, UUID(str(change_id)), grant=grant, reason="because", now=utc_now())


async def test_a_baseline_accepts_nothing_for_a_key_of_two_records(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    translate = SandboxErp.translate

    def as_two(self: SandboxErp, body: bytes) -> list[Observation]:
        """Report SKU-002 as a second SKU-001."""
        return [
            msgspec.structs.replace(o, source_id=o.record_key, record_key=o.record_key.replace("SKU-002", "SKU-001"))
            for o in translate(self, body)
            if isinstance(o, Observation)
        ]

    monkeypatch.setattr(SandboxErp, "translate", as_two)
    baseline = await read(env)
    items = "SELECT DISTINCT record_key FROM baseline_item WHERE baseline_id = :b AND value IS NOT NULL"
    keys = {key for (key,) in await env.rows(items, b=baseline)}
    assert "SKU-003" in keys
    assert not keys & {"SKU-001", "SKU-002"}
    assert await env.rows(_OPEN) == [("source.duplicate_key", "SKU-001")]


async def test_records_of_two_types_share_numbers_and_keys_and_are_no_duplicates(env: ClientEnv) -> None:
    """Many systems number both their products and their customers from 1."""
    group = {"element": "customer.group", "record_type": "customer", "value": {"type": "enumeration", "code": "retail"}}
    customer = of(env, "7", "SKU-002", 0) | group
    await env.deliver(of(env, "7", "SKU-001", 10), customer, of(env, "8", "SKU-002", 20))
    await env.work(settle=20.0)
    assert await approved(env) == [("SKU-001", 10), ("SKU-002", 20)]
    assert "source.duplicate_key" not in {each.code for each in await env.exceptions()}
    other = of(env, "9", "SKU-002", 0) | group
    await env.deliver(other, of(env, "8", "SKU-002", 21))
    await env.work(settle=20.0)
    assert await approved(env) == [("SKU-001", 10), ("SKU-002", 21)]
    [exception] = await env.exceptions("code = 'source.duplicate_key'")
    assert (exception.record_key, "records 7, 9 have the key SKU-002" in exception.detail) == ("SKU-002", True)
    rows = await env.rows("SELECT record_type FROM governance_exception WHERE code = 'source.duplicate_key'")
    assert rows == [("customer",)]
