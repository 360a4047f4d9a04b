"""Assignments for the samples of lists."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from tests.support.list_rows import Rows


async def assign_every_third(rows: Rows, number: int, subject: UUID) -> Collection[str]:
    """Assign every third item to the MSP's administrator, who reads the list. Returns the filter's value."""
    if number % 3:
        return ["nobody"]
    async with rows.db.transaction(rows.env.msp_account) as session:
        member = await session.scalar(text("SELECT id FROM member ORDER BY id LIMIT 1"))
    async with rows.db.transaction(rows.env.scope) as session:
        await session.execute(
            text("""
                INSERT INTO item_assignment (tenant_id, msp_id, subject_id, about, member_id, name, assigned_at,
                                             assigned_by)
                VALUES (:t, :m, :subject, 'exception', :member, 'Admin', now(), 'Admin')
            """),
            {
                "t": rows.env.scope.tenant_id, "m": rows.env.scope.msp_id, "subject": subject, "member": member,
            },
        )  # fmt: skip
    return ["me"]
