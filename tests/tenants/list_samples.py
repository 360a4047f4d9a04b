"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.accounts import create_client, suspend_client
from tests.support.list_rows import ListSample, Matches, Rows


async def add_client(rows: Rows, number: int) -> Matches:
    account = rows.env.msp_account
    slug = f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    async with rows.db.transaction(account.for_tenant(new_id())) as session:
        await create_client(session, name=rows.name(number), slug=slug, currency="EUR", now=utc_now())
        if number % 2:
            await suspend_client(session, reason="Tested.", now=utc_now())
    return {"status": ["suspended" if number % 2 else "active"], "show": ["healthy"], "search": [rows.name(number)]}


SAMPLES: dict[str, ListSample] = {"clients": add_client}
