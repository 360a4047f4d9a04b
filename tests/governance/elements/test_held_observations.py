"""Values reported before contracts are published are held, and processed on publication."""

import base64
import secrets
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from canonical.elements import COST, PRICE, STOCK
from connectors.poll_job import _store, schedule_poll
from connectors.ports import PollPage
from controlplane.provisioning import NewConnection, connect, publish_contracts
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.elements.publish_contract import publish_contract
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import open_exceptions
from governance.exceptions.rows import NewException
from governance.messages.exceptions import CONTRACT_MISSING
from tests.connectors.running import RunningSandbox
from tests.governance.test_timer_repair import repair, run
from tests.support.as_owner import delete_as_owner
from tests.support.client_env import ClientEnv

_OPEN = "SELECT code, subject FROM governance_exception WHERE state = 'open'"
_HELD = "SELECT count(*) FROM held_observation"


async def without_contracts(env: ClientEnv) -> None:
    delete_as_owner(env, "element_contract")


async def poll(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now())
    await env.work(settle=20.0)


async def test_connecting_before_contracts_leaves_no_exception_and_loses_no_value(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    for each in (env, other_env):
        await without_contracts(each)
        await poll(each)
        assert await each.rows("SELECT count(*) FROM governance_exception") == [(0,)]
        assert await each.rows(_HELD) == [(60,)]
        assert await each.rows("SELECT count(*) FROM record_value") == [(0,)]
    await publish_contracts(env.services, env.scope, env.erp)
    await env.work(settle=20.0)
    assert await env.rows(_OPEN) == []
    assert await env.rows(_HELD) == [(0,)]
    assert await env.rows("SELECT element, count(*) FROM record_value GROUP BY element ORDER BY element") == [
        (COST, 20), (PRICE, 20), (STOCK, 20),
    ]  # fmt: skip
    assert await other_env.rows(_HELD) == [(60,)], "another client's stay where they are"


async def test_the_newest_held_value_is_processed(env: ClientEnv) -> None:
    await without_contracts(env)
    for amount in (3, 4, 5):
        await env.deliver(env.change("SKU-001", STOCK, amount))
    await env.work()
    await publish_contracts(env.services, env.scope, env.erp)
    await env.deliver(env.change("SKU-001", STOCK, 6))
    await env.work(settle=20.0)
    assert await env.rows("SELECT minor(source_value) FROM record_value") == [(6,)]
    assert await env.rows(_OPEN) == []


async def test_one_element_without_a_contract_is_one_exception_and_resolved_by_its_contract(
    env: ClientEnv,
) -> None:
    delete_as_owner(env, "element_contract", "element = %(e)s", e=STOCK)
    await env.deliver(*(env.change(f"SKU-00{n}", STOCK, n) for n in range(1, 6)))
    await env.work()
    assert await env.rows(_OPEN) == [("contract.missing", f"{env.erp}:{STOCK}")]
    assert await env.rows(_HELD) == [(5,)]
    await publish_contracts(env.services, env.scope, env.erp)
    await env.work(settle=20.0)
    assert await env.rows(_OPEN) == []
    assert await env.rows("SELECT count(*) FROM record_value WHERE element = :e", e=STOCK) == [(5,)]


async def test_earlier_exceptions_are_resolved_and_their_values_processed(env: ClientEnv) -> None:
    await without_contracts(env)
    await env.deliver(env.change("SKU-001", STOCK, 3))
    await env.work()
    await run(env, "DELETE FROM held_observation")
    ((event,),) = await env.rows("SELECT id FROM source_event")
    async with env.services.db.transaction(env.scope) as session:
        old = NewException(
            ExceptionType.CONTRACT_MISSING, f"{env.erp}:SKU-001:{STOCK}", CONTRACT_MISSING.fill(element=STOCK), 1000,
            record_key="SKU-001",
            element=STOCK, connection_id=env.erp, source_event_id=event,  # type: ignore[arg-type]
        )  # fmt: skip
        await open_exceptions(session, [old], now=utc_now(), new_id=new_id)
    await publish_contracts(env.services, env.scope, env.erp)
    await env.work(settle=20.0)
    assert await env.rows(_OPEN) == []
    assert await env.rows("SELECT minor(source_value) FROM record_value") == [(3,)]


@pytest.mark.parametrize("later", [[], [4], [4, 3]])
async def test_held_values_wait_for_a_corrected_contract(
    env: ClientEnv, sandbox: RunningSandbox, later: list[int]
) -> None:
    """The first contract names the wrong system; meanwhile the right one reports values, the newest of which is
    processed.
    """
    await without_contracts(env)
    await env.deliver(env.change("SKU-001", STOCK, 3), env.change("SKU-002", STOCK, 9))
    await env.work()
    await publish_contracts(env.services, env.scope, await connect_other(env, sandbox))
    for amount in later:
        await env.deliver(env.change("SKU-001", STOCK, amount))
        await env.work()
    await env.work(settle=1.0)
    assert await env.rows(_HELD) == [(2,)]
    assert await env.rows("SELECT count(*) FROM record_value") == [(0,)]
    await publish_contracts(env.services, env.scope, env.erp)
    await env.work(settle=20.0)
    assert await env.rows(_HELD) == [(0,)]
    assert await env.rows(_OPEN) == []
    query = "SELECT record_key, minor(source_value) FROM record_value ORDER BY record_key"
    assert await env.rows(query) == [("SKU-001", [3, *later][-1]), ("SKU-002", 9)]


async def test_held_values_whose_message_was_deleted_end_without_a_failed_job(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    await without_contracts(env)
    await env.deliver(env.change("SKU-001", STOCK, 3))
    await env.work()
    await run(env, "UPDATE held_observation SET source_event_id = connection_id")
    await publish_contracts(env.services, env.scope, env.erp)
    await env.work(settle=20.0)
    assert await env.rows(_HELD) == [(0,)]
    assert await env.rows("SELECT count(*) FROM dead_letter") == [(0,)]


async def connect_other(env: ClientEnv, sandbox: RunningSandbox) -> UUID:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    new = NewConnection("sandbox-erp", "Other ERP", sandbox.add("sandbox-erp"), secrets={"webhook_secret": secret})
    return await connect(env.services, env.scope, new)


async def print_text(env: ClientEnv, connection: UUID, amount: int) -> None:
    """Report a stock on this connection."""
    body = msgspec.json.encode(env.change("SKU-001", STOCK, amount))
    page = PollPage([(f"chg_{env.version}", body)], str(env.version), more=False)
    async with env.services.db.transaction(env.scope) as session:
        await _store(session, connection, page, now=utc_now(), new_id=new_id)
    await env.work()


async def test_values_reported_before_a_connection_became_the_source_are_processed(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    """The contracts named the wrong system at first."""
    other = await connect_other(env, sandbox)
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, other, at=utc_now())
    await env.work()
    assert await env.rows("SELECT count(*) FROM governance_exception WHERE state = 'open'") == [(60,)]
    await publish_contracts(env.services, env.scope, other)
    await env.work()
    assert await env.rows(_OPEN) == []
    assert await env.rows("SELECT count(*), count(DISTINCT source_connection_id) FROM record_value") == [(60, 1)]


async def test_withdrawn_values_are_not_processed_when_a_connection_becomes_the_source(
    env: ClientEnv, sandbox: RunningSandbox
) -> None:
    other = await connect_other(env, sandbox)
    await env.deliver(env.change("SKU-001", STOCK, 5))
    await env.work()
    await print_text(env, other, 3)
    assert await env.rows(_OPEN) == [("channel.drift", f"{other}:SKU-001:{STOCK}")]
    await print_text(env, other, 5)
    assert await env.rows(_OPEN) == []
    await publish_contracts(env.services, env.scope, other)
    await env.work()
    assert await env.rows("SELECT minor(value), minor(source_value) FROM record_value") == [(5, 5)]


async def test_values_held_during_publication_are_processed_by_the_repair(env: ClientEnv) -> None:
    await without_contracts(env)
    await env.deliver(env.change("SKU-001", STOCK, 3))
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        before = (await session.execute(text("DELETE FROM held_observation RETURNING *"))).mappings().one()
    await publish_contracts(env.services, env.scope, env.erp)
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        names = ", ".join(before.keys())
        values = ", ".join(f":{name}" for name in before)
        await session.execute(text(f"INSERT INTO held_observation ({names}) VALUES ({values})"), dict(before))
    await repair(env)
    assert await env.rows("SELECT minor(source_value) FROM record_value") == [(3,)]


async def test_publishing_with_nothing_held_leaves_no_job(env: ClientEnv) -> None:
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        hour = timedelta(hours=1)
        await publish_contract(
            session, element=PRICE, source_connection_id=env.erp, owner="Pricing", propagation_slo=hour,
            correction_slo=hour, now=utc_now(),
        )  # fmt: skip
    assert await env.rows("SELECT count(*) FROM job") == [(0,)]
