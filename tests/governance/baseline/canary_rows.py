"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from governance.baseline.start import start_baseline
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await start_baseline(session, env.services.governance, now=utc_now())
