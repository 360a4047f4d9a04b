"""Elements whose values are hidden by rules, from one reader or from systems that receive webhooks."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from policy.rules import SHOW

SYSTEMS: Final = "machine"
"""The role of systems: webhooks contain the values that are visible to it."""
_SHOWN: Final = text(f"""
    SELECT tenant_id, obj, array_agg(sub) AS roles FROM policy_rule
     WHERE (tenant_id = :t OR :fleet AND msp_id = :m) AND ptype = 'p2' AND act = '{SHOW}' GROUP BY tenant_id, obj
""")


async def hidden_from_systems(session: AsyncSession) -> frozenset[str]:
    """Elements of the scope's account whose values its webhooks do not contain."""
    return await hidden_from_roles(session, {SYSTEMS})


async def hidden_from_roles(session: AsyncSession, roles: Iterable[str]) -> frozenset[str]:
    """Elements that the scope's account hides from a reader with these roles, inherited ones included; in the fleet's
    scope those that any of its clients hides.
    """
    scope, held = scope_of(session), set(roles)
    rows = await session.execute(_SHOWN, {"t": scope.tenant_id, "m": scope.msp_id, "fleet": scope.fleet})
    return frozenset(row.obj for row in rows if held.isdisjoint(row.roles))
