"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from foundation.ids import new_id
from policy.cache import PolicyCache
from tenants.delegated_access.manage import NewAccessRequest, answer_access, request_access
from tenants.principal import Principal
from tests.support.list_rows import ListSample, Matches, Rows


async def add_access(rows: Rows, number: int) -> Matches:
    staff = Principal("member", new_id(), rows.name(number), rows.env.scope.msp_id, rows.env.scope.msp_id)
    wanted = NewAccessRequest("client_viewer", rows.name(number), 4)
    async with rows.db.transaction(rows.env.scope) as session:
        index = await rows.env.services.get(PolicyCache).index_for(session, rows.env.scope)
        asked = await request_access(session, staff, wanted, index=index, now=utc_now(), new_id=new_id)
        if number % 2:
            await answer_access(session, None, asked.id, grant=False, now=utc_now())
    return {"status": ["refused" if number % 2 else "requested"]}


SAMPLES: dict[str, ListSample] = {"access": add_access}
