"""Rows of this slice's lists, for the tests of every list."""

from sqlalchemy import text

from tests.governance.approvals.list_samples import add_approval
from tests.governance.exception_queue.list_samples import add_exception
from tests.support.list_rows import ListSample, Matches, Rows


async def add_inbox_item(rows: Rows, number: int) -> Matches:
    """Exceptions and approvals alternate. Exceptions are escalated."""
    if number % 2:
        added = await add_exception(rows, number)
    else:
        added = await add_approval(rows, number)
    async with rows.db.transaction(rows.env.scope) as session:
        slug = await session.scalar(text("SELECT slug FROM client"))
        await session.execute(
            text("""
                INSERT INTO escalation (tenant_id, msp_id, id, about, subject_id, after_minutes, role, least_severity,
                                        due_at, reached_at, notified)
                SELECT tenant_id, msp_id, gen_random_uuid(), 'exception', id, 60, 'client_admin', 0, now(), now(), '[]'
                  FROM governance_exception ON CONFLICT DO NOTHING
            """)
        )
    kind, escalated = ("exception", ["yes"]) if number % 2 else ("approval", [])
    return {"kind": [kind], "client": [str(slug)], "escalated": escalated, "assigned": added["assigned"]}


SAMPLES: dict[str, ListSample] = {"inbox": add_inbox_item}
