"""What a batch of messages does when one of them is not as it should be."""

from canonical.elements import STOCK
from foundation.ids import new_id
from foundation.lanes.work import NewWork, add_work
from governance.kinds import INGEST, ingest_lane
from tests.support.world import World


async def test_work_about_a_message_that_is_gone_is_a_dead_letter_and_the_rest_goes_on(world: World) -> None:
    async with world.services.db.transaction(world.scope) as session:
        add_work(session, [NewWork(lane=ingest_lane(world.erp), kind=INGEST, key=str(world.erp), ref=new_id())])
    await world.deliver(world.change("SKU-002", STOCK, 6))
    await world.work(settle=1.0)
    assert await world.rows("SELECT record_key FROM record_value") == [("SKU-002",)]
    ((kind, error),) = await world.rows("SELECT kind, error FROM dead_letter")
    assert kind == "governance.ingest"
    assert "no longer stored" in str(error)
