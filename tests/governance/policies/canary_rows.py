"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.policies.drafts import remove_rule
from governance.policies.replay_job import start_replay
from tests.support.client_env import ClientEnv

UNVISITED = {
    "/roles/{role:str}/edit": "the sample is a packaged role, which is not edited",
    "/clients/{client:str}/roles/{role:str}/edit": "the sample is a packaged role, which is not edited",
}


async def add_rows(env: ClientEnv, text: str) -> None:
    """A replay of a draft."""
    async with env.services.db.transaction(env.scope) as session:
        await remove_rule(session, "price-below-cost", now=utc_now(), new_id=new_id)
        await start_replay(session, env.services.governance, days=1, now=utc_now())
