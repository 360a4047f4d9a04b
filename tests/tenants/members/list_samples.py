"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.members.repository import NewMember, create_invite, create_member
from tenants.secrets import new_secret
from tests.support.list_rows import ListSample, Matches, Rows


async def add_member(rows: Rows, number: int) -> Matches:
    async with rows.db.transaction(rows.env.scope) as session:
        new = NewMember(new_id(), f"{rows.tag.lower()}{number:03}@example.com", rows.name(number))
        await create_member(session, new, now=utc_now())
        await create_invite(session, new_secret, member_id=new.id, now=utc_now())
    return {"search": [new.name, new.email.upper()], "status": ["invited"]}


SAMPLES: dict[str, ListSample] = {"invitations": add_member, "members": add_member}
