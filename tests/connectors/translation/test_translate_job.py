"""Messages reach every room that subscribes to them, once; what no room reads is kept, and told."""

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
from connectors.translation.kept_messages import discard_kept, replay_kept
from connectors.translation.subscriptions import MessageRouter, MessageSubscription, Received, build_router
from controlplane.rooms import ROOMS
from foundation.clock import utc_now
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.jobs.enqueue import NewJob, enqueue
from governance.retention.plan import plan_retention
from tests.connectors.translation.shipments import SHIPMENT, shipment, taken, work, write_down
from tests.support.client_env import ClientEnv

KEPT = "SELECT message_type, reference, message_count FROM unclaimed_message ORDER BY event_id"
OPEN = """
    SELECT params -> 'count', occurrences FROM governance_exception WHERE code = 'message.unclaimed' AND state = 'open'
"""


async def replay(world: ClientEnv, *, connection_id: UUID | None = None, message_type: str = SHIPMENT) -> None:
    async with world.services.db.transaction(world.scope) as session:
        await replay_kept(
            session, MessageRouter([write_down()]), connection_id=connection_id or world.erp,
            message_type=message_type, now=utc_now(),
        )  # fmt: skip


async def translate_again(world: ClientEnv, *payloads: TranslateEvents) -> None:
    """Enqueue each source event once for each payload."""
    events = await world.rows("SELECT id FROM source_event ORDER BY id")
    lane, key = ingest_lane(world.erp), str(world.erp)
    async with world.services.db.transaction(world.scope) as session:
        enqueue(
            session,
            [NewJob(lane, TRANSLATE, key, ref=UUID(str(one)), payload=each) for (one,) in events for each in payloads],
        )


async def test_what_no_room_reads_is_kept_and_told_and_its_neighbours_are_taken(
    world: ClientEnv, other_world: ClientEnv
) -> None:
    await world.deliver(shipment(world, "S1"), world.change("SKU-001", STOCK, 3), shipment(world, "S2"))
    await world.deliver_bytes(msgspec.json.encode(shipment(world, "S3")))
    await world.work()
    assert await world.rows("SELECT record_key FROM record_value") == [("SKU-001",)]
    assert await world.rows(KEPT) == [(SHIPMENT, "S1", 2), (SHIPMENT, "S3", 1)]
    [(count, _)] = await world.rows(OPEN)
    assert count == 3
    [told] = await world.exceptions("code = 'message.unclaimed'")
    assert (told.connection_id, "shipment.v1" in told.title, "(3 now)" in told.detail) == (world.erp, True, True)
    await world.deliver(shipment(world, "S4"))
    await world.work()
    [(count, occurrences)] = await world.rows(OPEN)
    assert (count, int(str(occurrences)) > 1) == (4, True), "one exception for each connection and type"
    assert await other_world.rows(KEPT) == await other_world.rows(OPEN) == []


async def test_a_room_that_subscribes_later_gets_each_of_them_once(world: ClientEnv) -> None:
    await world.deliver(shipment(world, "S1"), world.change("SKU-001", STOCK, 3))
    await world.deliver(shipment(world, "S2"))
    await world.work()
    await world.deliver(shipment(world, "S3"))
    await work(world, write_down())
    assert await taken(world) == ["S3"], "what comes from now on"
    await replay(world)
    await replay(world)
    await work(world, write_down())
    assert await taken(world) == ["S3", "S1", "S2"]
    await translate_again(world, TranslateEvents(unclaimed=SHIPMENT))  # a replay that was asked for meanwhile
    await work(world, write_down())
    assert await taken(world) == ["S3", "S1", "S2"]
    assert await world.rows(KEPT) == await world.rows(OPEN) == []
    assert await world.rows("SELECT source_version FROM record_value") == [(world.version - 2,)]
    assert await world.rows("SELECT count(*) FROM change") == [(1,)], "an observation of the event is not read again"
    with pytest.raises(NotFound):
        await replay(world)


async def test_an_event_that_is_replayed_as_a_whole_takes_its_kept_messages_along(world: ClientEnv) -> None:
    await world.deliver(shipment(world, "S1"))
    await world.work()
    await translate_again(world, TranslateEvents(), TranslateEvents(unclaimed=SHIPMENT))
    await work(world, write_down())
    assert await taken(world) == ["S1"]
    assert await world.rows(KEPT) == []


async def test_a_batch_that_fails_after_a_delivery_delivers_again_and_leaves_one(world: ClientEnv) -> None:
    for number in ("S1", "S2"):
        await world.deliver(shipment(world, number), world.change(f"SKU-00{number[1]}", STOCK, 3))
    calls: list[int] = []

    async def fail_once(_: AsyncSession, received: Sequence[Received[Message]]) -> None:
        calls.append(len(received))
        if len(calls) == 1:
            raise RuntimeError("after the first subscriber has written")

    await work(world, write_down(), MessageSubscription(ShipmentUpdated, fail_once))
    assert sum(calls) > 2, "the batch was done again"
    assert await taken(world) == ["S1", "S2"]
    assert await world.rows("SELECT count(*) FROM record_value") == [(2,)]


async def test_a_replay_of_one_type_does_not_bring_back_a_value_that_was_corrected(world: ClientEnv) -> None:
    await world.deliver(shipment(world, "S1"), world.change("SKU-001", STOCK, 3) | {"amount": 1.5})
    await world.work()
    assert [each.code for each in await world.exceptions("state = 'open' AND record_key = 'SKU-001'")] == [
        "source.quarantined"
    ]
    await world.deliver(world.change("SKU-001", STOCK, 4))
    await world.work()
    await replay(world)
    await work(world, write_down())
    assert await taken(world) == ["S1"]
    assert await world.exceptions("state = 'open'") == []


async def test_several_rooms_read_one_type(world: ClientEnv) -> None:
    seen: list[str] = []

    async def see(_: AsyncSession, received: Sequence[Received[Observation]]) -> None:
        seen.extend(message.record_key for each in received for message in each.messages)

    await world.deliver(world.change("SKU-001", STOCK, 3))
    await work(world, MessageSubscription(Observation, see))
    assert seen == ["SKU-001"]
    assert await world.rows("SELECT record_key FROM record_value") == [("SKU-001",)]
    with pytest.raises(ValueError, match="is not a type of message"):
        MessageRouter([MessageSubscription(msgspec.Struct, see)])


@pytest.mark.parametrize(
    "wrong", [{"status": "lost"}, {"number": "a\x00"}, {"lines": [{"line": "1", "sku": "A", "quantity": 1.5}]}]
)
async def test_an_unreadable_one_is_quarantined_and_blocks_no_other(world: ClientEnv, wrong: dict[str, object]) -> None:
    await world.deliver(shipment(world, "S1") | wrong, shipment(world, "S2"), world.change("SKU-001", STOCK, 3))
    await work(world, write_down())
    assert await taken(world) == ["S2"]
    assert await world.rows("SELECT record_key FROM record_value") == [("SKU-001",)]
    [odd] = await world.exceptions()
    assert (odd.code, "1 of 3 changes cannot be read" in odd.detail) == ("source.quarantined", True)


async def test_messages_stay_kept_while_they_cannot_be_read_again(
    world: ClientEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.deliver(shipment(world, "S1"))
    await world.work()
    await replay(world)
    with monkeypatch.context() as patch:

        def refuse(_: SandboxErp, __: bytes) -> list[Message]:
            raise PayloadInvalid("The connector of this release reads no shipments.")

        patch.setattr(SandboxErp, "translate", refuse)
        await work(world, write_down())
    assert await world.rows(KEPT) == [(SHIPMENT, "S1", 1)]
    assert "source.quarantined" in {one.code for one in await world.exceptions()}
    await replay(world)
    await work(world, write_down())
    assert await taken(world) == ["S1"]


async def test_a_replay_is_refused_without_a_reader_and_of_what_is_not_there(
    world: ClientEnv, other_world: ClientEnv
) -> None:
    await world.deliver(shipment(world, "S1"))
    await world.work()
    for wrong in ({"connection_id": other_world.erp}, {"message_type": "invoice.v1"}, {"message_type": "a\x00"}):
        with pytest.raises(NotFound):
            await replay(world, **wrong)
    async with world.services.db.transaction(world.scope) as session:
        with pytest.raises(Conflict, match="Nothing reads"):
            await replay_kept(session, MessageRouter([]), connection_id=world.erp, message_type=SHIPMENT, now=utc_now())
    async with other_world.services.db.transaction(other_world.scope) as session:
        with pytest.raises(NotFound):
            await replay_kept(
                session, MessageRouter([write_down()]), connection_id=world.erp, message_type=SHIPMENT, now=utc_now()
            )
    assert await world.rows("SELECT count(*) FROM job WHERE kind = :kind", kind=TRANSLATE.name) == [(0,)]


async def test_discarded_messages_are_gone_with_their_exception_and_their_event_stays(world: ClientEnv) -> None:
    await world.deliver(shipment(world, "S1"), shipment(world, "S2"))
    await world.work()
    router = build_router(world.services)
    kept = {"connection_id": world.erp, "message_type": SHIPMENT, "now": utc_now()}
    async with world.services.db.transaction(world.scope) as session:
        with pytest.raises(InvalidInput):
            await discard_kept(session, router, reason=" ", **kept)  # type: ignore[arg-type]
        assert await discard_kept(session, router, reason="Not followed here", **kept) == 2  # type: ignore[arg-type]
    assert await world.rows(KEPT) == await world.rows(OPEN) == []
    [(body,)] = await world.rows("SELECT body FROM audit_entry WHERE action = 'message.discarded'")
    assert "Not followed here" in str(body)
    assert await world.rows("SELECT count(*) FROM source_event") == [(1,)]


async def test_messages_of_a_type_of_another_release_can_be_discarded(world: ClientEnv) -> None:
    await world.deliver(shipment(world, "S1"))
    await world.work()
    async with world.services.db.transaction(world.scope) as session:
        await session.execute(
            text("INSERT INTO unclaimed_message SELECT (jsonb_populate_record(u, :other)).* FROM unclaimed_message u"),
            {"other": '{"message_type": "parcel.v9"}'},
        )
        gone = {"connection_id": world.erp, "message_type": "parcel.v9", "now": utc_now()}
        with pytest.raises(Conflict, match="Nothing reads"):
            await replay_kept(session, build_router(world.services), **gone)  # type: ignore[arg-type]
        discarding = discard_kept(session, build_router(world.services), reason="Of a release before", **gone)  # type: ignore[arg-type]
        assert await discarding == 1
    assert await world.rows(KEPT) == [(SHIPMENT, "S1", 1)]


async def test_they_are_removed_with_their_source_messages(world: ClientEnv) -> None:
    await world.deliver(shipment(world, "S1"))
    await world.work()
    async with world.services.db.transaction(world.scope) as session:
        plan = await plan_retention(session, ROOMS.retained, now=utc_now())
    assert [one.rows for one in plan.classes if one.name == "source_events"] == [2]
