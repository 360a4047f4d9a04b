"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.auth.api_keys import NewApiKey, create_api_key, revoke_api_key
from tenants.secrets import new_secret
from tests.support.list_rows import ListSample, Matches, Rows


async def add_key(rows: Rows, number: int) -> Matches:
    new = NewApiKey(new_id(), rows.name(number), "machine")
    async with rows.db.transaction(rows.env.scope) as session:
        await create_api_key(session, new_secret, new, now=utc_now())
        if number % 2:
            await revoke_api_key(session, key_id=new.id, now=utc_now())
    return {"status": ["revoked" if number % 2 else "active"]}


SAMPLES: dict[str, ListSample] = {"api-keys": add_key}
