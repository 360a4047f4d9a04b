"""Rows of this slice's lists, for the tests of every list."""

from datetime import timedelta

from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.accounts import create_client
from tests.governance.control_reviews.reviewed import open_review
from tests.support.list_rows import ListSample, Matches, Rows


async def add_review(rows: Rows, number: int) -> Matches:
    """A review of another client, which is overdue."""
    scope = rows.env.msp_account.for_tenant(new_id())
    slug = f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    async with rows.db.transaction(scope) as session:
        await create_client(session, name=rows.name(number), slug=slug, currency="EUR", now=utc_now())
    await open_review(rows.db, scope, age=timedelta(days=number + 3))
    return {"status": ["overdue", "any"], "client": [slug]}


SAMPLES: dict[str, ListSample] = {"control-reviews": add_review}
