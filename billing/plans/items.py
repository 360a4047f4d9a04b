"""Items of plans, the billed components of a subscription, with codes such as `basic:seats`."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.plans.terms import PlanTerms
from foundation.database.engine import scope_of


def item_code(plan: str, component: str) -> str:
    """The code of a plan's component: `fee`, `seats`, or `add-on` with the add-on's code."""
    return f"{plan}:{component.replace(' ', ':')}"


async def list_items(session: AsyncSession) -> Mapping[str, str]:
    """Labels by code, of all plans and versions of the scope's MSP; those of the newest version count."""
    rows = await session.execute(
        text("""
            SELECT p.code, p.name, v.terms FROM plan p
              JOIN plan_version v ON v.tenant_id = p.tenant_id AND v.plan_id = p.id
             WHERE p.tenant_id = :msp ORDER BY p.name, p.code, v.number
        """),
        {"msp": scope_of(session).msp_id},
    )
    found: dict[str, str] = {}
    for row in rows:
        terms = msgspec.convert(row.terms, PlanTerms)
        found[item_code(row.code, "fee")] = row.name
        if terms.seat_price or terms.seat_name or any(one.seat_price for one in terms.phases):
            found[item_code(row.code, "seats")] = f"{row.name}: {terms.seat_name}" if terms.seat_name else row.name
        for add_on in terms.add_ons:
            found[item_code(row.code, f"add-on {add_on.code}")] = f"{row.name}: {add_on.name}"
    return found
