"""After this machine's clock ran ahead and was corrected, later readings are not stale."""

from datetime import datetime, timedelta

from canonical.elements import STOCK
from canonical.keys import ElementKey
from canonical.messages import Observation
from foundation.ids import new_id
from governance.changes.key_conflicts import _highest
from governance.changes.planner import plan_changes
from governance.elements.rows import Observed
from governance.records.claims import Claim, keys_of, put_claims
from governance.records.validation import DRIFT, bound_version, to_microseconds
from tests.governance.changes.test_planner import ERP, NOW
from tests.governance.changes.test_planner import snapshot as planned
from tests.support.client_env import ClientEnv
from tests.support.values import pieces

AHEAD = timedelta(days=365)


def read_at(moment: datetime, amount: int, *, ours: bool = True) -> Observed:
    seen = Observation("SKU-1", STOCK, pieces(amount), to_microseconds(moment), NOW, "7", version_is_ours=ours)
    return Observed(seen, ERP, new_id(), "c")


def test_readings_after_a_clock_correction_are_accepted() -> None:
    made = planned()
    plan_changes([read_at(NOW + AHEAD, 1)], made)
    plan = plan_changes([read_at(NOW, 2)], made)
    assert (plan.stale, plan.exceptions) == (0, [])
    row = made.values[ElementKey("SKU-1", STOCK)]
    assert (row.source_value, row.source_version) == (pieces(2), to_microseconds(NOW))
    assert plan_changes([read_at(NOW - timedelta(seconds=1), 3)], made).stale == 1


def test_a_version_of_the_sources_own_may_be_any_number() -> None:
    made = planned()
    plan_changes([read_at(NOW + AHEAD, 1, ours=False)], made)
    assert plan_changes([read_at(NOW, 2, ours=False)], made).stale == 1


def test_a_reading_is_never_stored_in_the_future() -> None:
    for ahead in (timedelta(0), DRIFT, -AHEAD):
        seen = read_at(NOW + ahead, 1).observation
        assert bound_version(seen, now=NOW) == seen
    bound = bound_version(read_at(NOW + DRIFT + timedelta(microseconds=1), 1).observation, now=NOW)
    assert bound.source_version == to_microseconds(NOW)
    own = read_at(NOW + AHEAD, 1, ours=False).observation
    assert bound_version(own, now=NOW) == own


async def test_a_record_key_stored_in_the_future_is_replaced(env: ClientEnv) -> None:
    async def keep(key: str, moment: datetime, *, ours: bool) -> str:
        claim = Claim("7", key, to_microseconds(moment), new_id())
        async with env.services.db.transaction(env.scope) as session:
            latest = _highest([read_at(moment, 1, ours=ours)], NOW)
            await put_claims(session, env.erp, [claim], latest=latest)
            return (await keys_of(session, env.erp, ["7"]))["7"]

    assert await keep("AHEAD", NOW + AHEAD, ours=True) == "AHEAD"
    assert await keep("OWN", NOW, ours=False) == "AHEAD"
    assert await keep("RIGHT", NOW, ours=True) == "RIGHT"
    assert await keep("OLDER", NOW - timedelta(seconds=1), ours=True) == "RIGHT"
