"""Messages reach every subscribing room once; messages that no room reads are stored and reported."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import STOCK
from canonical.messages import Message, Observation, ShipmentUpdated
from connectors.ports import PayloadInvalid
from connectors.sandbox.erp.adapter import SandboxErp
from connectors.translation.job_type import TRANSLATE, TranslateEvents, ingest_lane
from connectors.translation.subscriptions import MessageRouter, MessageSubscription, Received, build_router
from connectors.translation.unclaimed_messages import discard_unclaimed, replay_unclaimed
from controlplane.rooms import ROOMS
from foundation.clock import utc_now
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.i18n.messages import TEXT
from foundation.jobs.enqueue import NewJob, enqueue
from governance.retention.plan import plan_retention
from tests.connectors.translation.shipments import SHIPMENT, shipment, taken, work, write_down
from tests.support.client_env import ClientEnv

KEPT = "SELECT message_type, reference, message_count FROM unclaimed_message ORDER BY event_id"
OPEN = """
    SELECT params -> 'count', occurrences FROM governance_exception WHERE code = 'message.unclaimed' AND state = 'open'
"""


async def replay(env: ClientEnv, *, connection_id: UUID | None = None, message_type: str = SHIPMENT) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await replay_unclaimed(
            session, MessageRouter([write_down()]), connection_id=connection_id or env.erp,
            message_type=message_type, now=utc_now(),
        )  # fmt: skip


async def translate_again(env: ClientEnv, *payloads: TranslateEvents) -> None:
    """Enqueue each source event once for each payload."""
    events = await env.rows("SELECT id FROM source_event ORDER BY id")
    lane, key = ingest_lane(env.erp), str(env.erp)
    async with env.services.db.transaction(env.scope) as session:
        enqueue(
            session,
            [NewJob(lane, TRANSLATE, key, ref=UUID(str(one)), payload=each) for (one,) in events for each in payloads],
        )


async def test_unclaimed_messages_are_stored_and_reported_and_others_delivered(
    env: ClientEnv, other_env: ClientEnv
) -> None:
    await env.deliver(shipment(env, "S1"), env.change("SKU-001", STOCK, 3), shipment(env, "S2"))
    await env.deliver_bytes(msgspec.json.encode(shipment(env, "S3")))
    await env.work()
    assert await env.rows("SELECT record_key FROM record_value") == [("SKU-001",)]
    assert await env.rows(KEPT) == [(SHIPMENT, "S1", 2), (SHIPMENT, "S3", 1)]
    [(count, _)] = await env.rows(OPEN)
    assert count == 3
    [unclaimed] = await env.exceptions("code = 'message.unclaimed'")
    assert (unclaimed.connection_id, "shipment.v1" in unclaimed.title, "(3 so far)" in unclaimed.detail) == (
        env.erp,
        True,
        True,
    )
    await env.deliver(shipment(env, "S4"))
    await env.work()
    [(count, occurrences)] = await env.rows(OPEN)
    assert (count, int(str(occurrences)) > 1) == (4, True), "one exception for each connection and type"
    assert await other_env.rows(KEPT) == await other_env.rows(OPEN) == []


async def test_a_room_that_subscribes_later_gets_each_of_them_once(env: ClientEnv) -> None:
    await env.deliver(shipment(env, "S1"), env.change("SKU-001", STOCK, 3))
    await env.deliver(shipment(env, "S2"))
    await env.work()
    await env.deliver(shipment(env, "S3"))
    await work(env, write_down())
    assert await taken(env) == ["S3"], "what comes from now on"
    await replay(env)
    await replay(env)
    await work(env, write_down())
    assert await taken(env) == ["S3", "S1", "S2"]
    await translate_again(env, TranslateEvents(unclaimed=SHIPMENT))  # a replay that was requested meanwhile
    await work(env, write_down())
    assert await taken(env) == ["S3", "S1", "S2"]
    assert await env.rows(KEPT) == await env.rows(OPEN) == []
    assert await env.rows("SELECT source_version FROM record_value") == [(env.version - 2,)]
    assert await env.rows("SELECT count(*) FROM change") == [(1,)], "an observation of the event is not read again"
    with pytest.raises(NotFound):
        await replay(env)


async def test_replaying_an_event_removes_its_unclaimed_messages(env: ClientEnv) -> None:
    await env.deliver(shipment(env, "S1"))
    await env.work()
    await translate_again(env, TranslateEvents(), TranslateEvents(unclaimed=SHIPMENT))
    await work(env, write_down())
    assert await taken(env) == ["S1"]
    assert await env.rows(KEPT) == []


async def test_a_batch_that_fails_after_a_delivery_delivers_again_and_leaves_one(env: ClientEnv) -> None:
    for number in ("S1", "S2"):
        await env.deliver(shipment(env, number), env.change(f"SKU-00{number[1]}", STOCK, 3))
    calls: list[int] = []

    async def fail_once(_: AsyncSession, received: Sequence[Received[Message]]) -> None:
        calls.append(len(received))
        if len(calls) == 1:
            raise RuntimeError("after the first subscriber has written")

    await work(env, write_down(), MessageSubscription(ShipmentUpdated, fail_once))
    assert sum(calls) > 2, "the batch was done again"
    assert await taken(env) == ["S1", "S2"]
    assert await env.rows("SELECT count(*) FROM record_value") == [(2,)]


async def test_replaying_one_type_does_not_restore_a_corrected_value(env: ClientEnv) -> None:
    await env.deliver(shipment(env, "S1"), env.change("SKU-001", STOCK, 3) | {"amount": 1.5})
    await env.work()
    assert [each.code for each in await env.exceptions("state = 'open' AND record_key = 'SKU-001'")] == [
        "source.quarantined"
    ]
    await env.deliver(env.change("SKU-001", STOCK, 4))
    await env.work()
    await replay(env)
    await work(env, write_down())
    assert await taken(env) == ["S1"]
    assert await env.exceptions("state = 'open'") == []


async def test_several_rooms_read_one_type(env: ClientEnv) -> None:
    seen: list[str] = []

    async def see(_: AsyncSession, received: Sequence[Received[Observation]]) -> None:
        seen.extend(message.record_key for each in received for message in each.messages)

    await env.deliver(env.change("SKU-001", STOCK, 3))
    await work(env, MessageSubscription(Observation, see))
    assert seen == ["SKU-001"]
    assert await env.rows("SELECT record_key FROM record_value") == [("SKU-001",)]
    with pytest.raises(ValueError, match="is not a type of message"):
        MessageRouter([MessageSubscription(msgspec.Struct, see)])


@pytest.mark.parametrize(
    "wrong", [{"status": "lost"}, {"number": "a\x00"}, {"lines": [{"line": "1", "sku": "A", "quantity": 1.5}]}]
)
async def test_an_unreadable_event_is_quarantined_and_blocks_no_other(env: ClientEnv, wrong: dict[str, object]) -> None:
    await env.deliver(shipment(env, "S1") | wrong, shipment(env, "S2"), env.change("SKU-001", STOCK, 3))
    await work(env, write_down())
    assert await taken(env) == ["S2"]
    assert await env.rows("SELECT record_key FROM record_value") == [("SKU-001",)]
    [odd] = await env.exceptions()
    assert (odd.code, "1 of 3 changes cannot be read" in odd.detail) == ("source.quarantined", True)


async def test_messages_stay_stored_while_they_cannot_be_translated_again(
    env: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    await env.deliver(shipment(env, "S1"))
    await env.work()
    await replay(env)
    with monkeypatch.context() as patch:

        def refuse(_: SandboxErp, __: bytes) -> list[Message]:
            raise PayloadInvalid(TEXT.write(text="The connector of this release reads no shipments."))

        patch.setattr(SandboxErp, "translate", refuse)
        await work(env, write_down())
    assert await env.rows(KEPT) == [(SHIPMENT, "S1", 1)]
    assert "source.quarantined" in {one.code for one in await env.exceptions()}
    await replay(env)
    await work(env, write_down())
    assert await taken(env) == ["S1"]


async def test_a_replay_without_subscriber_or_messages_is_refused(env: ClientEnv, other_env: ClientEnv) -> None:
    await env.deliver(shipment(env, "S1"))
    await env.work()
    for wrong in ({"connection_id": other_env.erp}, {"message_type": "invoice.v1"}, {"message_type": "a\x00"}):
        with pytest.raises(NotFound):
            await replay(env, **wrong)
    async with env.services.db.transaction(env.scope) as session:
        with pytest.raises(Conflict, match="not processed yet"):
            await replay_unclaimed(
                session, MessageRouter([]), connection_id=env.erp, message_type=SHIPMENT, now=utc_now()
            )
    async with other_env.services.db.transaction(other_env.scope) as session:
        with pytest.raises(NotFound):
            await replay_unclaimed(
                session, MessageRouter([write_down()]), connection_id=env.erp, message_type=SHIPMENT, now=utc_now()
            )
    assert await env.rows("SELECT count(*) FROM job WHERE kind = :kind", kind=TRANSLATE.name) == [(0,)]


async def test_discarded_messages_are_gone_with_their_exception_and_their_event_stays(env: ClientEnv) -> None:
    await env.deliver(shipment(env, "S1"), shipment(env, "S2"))
    await env.work()
    router = build_router(env.services)
    kept = {"connection_id": env.erp, "message_type": SHIPMENT, "now": utc_now()}
    async with env.services.db.transaction(env.scope) as session:
        with pytest.raises(InvalidInput):
            await discard_unclaimed(session, router, reason=" ", **kept)  # type: ignore[arg-type]
        assert await discard_unclaimed(session, router, reason="Not followed here", **kept) == 2  # type: ignore[arg-type]
    assert await env.rows(KEPT) == await env.rows(OPEN) == []
    [(body,)] = await env.rows("SELECT body FROM audit_entry WHERE action = 'message.discarded'")
    assert "Not followed here" in str(body)
    assert await env.rows("SELECT count(*) FROM source_event") == [(1,)]


async def test_messages_of_a_type_of_another_release_can_be_discarded(env: ClientEnv) -> None:
    await env.deliver(shipment(env, "S1"))
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        await session.execute(
            text("INSERT INTO unclaimed_message SELECT (jsonb_populate_record(u, :other)).* FROM unclaimed_message u"),
            {"other": '{"message_type": "parcel.v9"}'},
        )
        gone = {"connection_id": env.erp, "message_type": "parcel.v9", "now": utc_now()}
        with pytest.raises(Conflict, match="not processed yet"):
            await replay_unclaimed(session, build_router(env.services), **gone)  # type: ignore[arg-type]
        discarding = discard_unclaimed(session, build_router(env.services), reason="Of a release before", **gone)  # type: ignore[arg-type]
        assert await discarding == 1
    assert await env.rows(KEPT) == [(SHIPMENT, "S1", 1)]


async def test_they_are_removed_with_their_source_messages(env: ClientEnv) -> None:
    await env.deliver(shipment(env, "S1"))
    await env.work()
    async with env.services.db.transaction(env.scope) as session:
        plan = await plan_retention(session, ROOMS.retained, now=utc_now())
    assert [one.rows for one in plan.classes if one.name == "source_events"] == [2]
