"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.retention.change_policy import place_hold
from governance.retention.schemas import NewHold
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await place_hold(session, env.services.rooms.retained, NewHold(reason=text), now=utc_now(), new_id=new_id)
