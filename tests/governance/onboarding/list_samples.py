"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.onboarding.create_client import create_client as start_onboarding
from tenants.accounts import create_client
from tenants.client_input import ClientInput
from tests.support.list_rows import ListSample, Matches, Rows


async def add_onboarding(rows: Rows, number: int) -> Matches:
    """Every other client is being onboarded; the rest were created before onboarding existed."""
    slug = f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    scope = rows.env.msp_account.for_tenant(new_id())
    if number % 2:
        new = ClientInput(name=rows.name(number), slug=slug, currency="EUR")
        await start_onboarding(rows.db, scope, new, clock=utc_now, new_id=new_id)
        return {"status": ["open"], "step": ["client"]}
    async with rows.db.transaction(scope) as session:
        await create_client(session, name=rows.name(number), slug=slug, currency="EUR", now=utc_now())
    return {"status": ["live"], "step": ["live"]}


SAMPLES: dict[str, ListSample] = {"onboardings": add_onboarding}
