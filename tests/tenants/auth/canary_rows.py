"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.secrets import new_secret
from tests.support.client_env import ClientEnv

UNVISITED = {"/sign-in/device": "each link is for one sign-in"}


async def add_rows(env: ClientEnv, text: str) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await create_api_key(session, new_secret, NewApiKey(new_id(), text, "client_viewer"), now=utc_now())
