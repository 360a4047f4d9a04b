"""A control review of a client, opened as by the job."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from governance.control_reviews.review import record_evidence, set_schedule
from governance.control_reviews.schemas import ControlFinding, ReviewScheduleInput
from governance.control_reviews.states import ReviewCadence, ReviewControl

BROKEN = ControlFinding(ReviewControl.AUDIT, is_met=False, values={"entries": 7, "head": "ab", "broken_at": 3})


async def open_review(db: Database, scope: Scope, *, age: timedelta = timedelta(0)) -> UUID:
    """The id of a review that was opened `age` ago and is due after one day."""
    then = utc_now() - age
    async with db.transaction(scope) as session:
        wanted = ReviewScheduleInput(cadence=ReviewCadence.QUARTERLY, starts_on=then.date(), days=1)
        await set_schedule(session, wanted, now=then)
        await record_evidence(session, [BROKEN], now=then, new_id=new_id)
        found = await session.scalar(
            text("SELECT id FROM control_review WHERE tenant_id = :t ORDER BY scheduled_on DESC LIMIT 1"),
            {"t": scope.tenant_id},
        )
        assert isinstance(found, UUID)
        return found
