"""Ownership of elements: those that are reported and have no owner, or only for a part of their values."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.relations import CONNECTIONS
from foundation.codes import LabelledCode
from foundation.database.engine import scope_of
from foundation.marks import N_
from governance.elements.declarations import RETIRED

_MOST: Final = 10_000
"""Held values are counted up to here."""


class OwnershipProblem(LabelledCode):
    NO_OWNER = "no_owner", N_("No owner")
    """Values are reported and held, because no contract is for them."""
    PARTLY_OWNED = "partly_owned", N_("Only a part has an owner")
    """Contracts select values, and no default contract is for the others."""
    SOURCE_DELETED = "source_deleted", N_("Its source is deleted")
    TWO_SOURCES = "two_sources", N_("Reported by two systems")
    """The values of the system that is not the source of truth do not count."""


class OwnershipGap(msgspec.Struct, frozen=True):
    """A problem of one element. `reported_by`: names of the systems. `held`: values that wait for a contract, counted
    up to 10,000.
    """

    element: str
    problem: OwnershipProblem
    reported_by: Sequence[str]
    held: int


class OwnershipReport(msgspec.Struct, frozen=True):
    items: Sequence[OwnershipGap]

    @property
    def unowned(self) -> list[str]:
        """Elements of which no value has an owner."""
        return [gap.element for gap in self.items if gap.problem is OwnershipProblem.NO_OWNER]


_GAPS: Final = f"""
    WITH contracts AS (
        SELECT * FROM element_contract WHERE tenant_id = :t AND element <> ALL ({RETIRED})),
         held AS (
        SELECT h.element, h.connection_id, count(*) AS held
          FROM (SELECT element, connection_id FROM held_observation
                 WHERE tenant_id = :t AND element <> ALL ({RETIRED}) LIMIT :most) h GROUP BY 1, 2),
    seen AS (
        SELECT h.element, array_agg(n.name ORDER BY n.name) AS names, sum(h.held) AS held
          FROM held h JOIN {CONNECTIONS} n ON n.tenant_id = :t AND n.id = h.connection_id GROUP BY 1)
    SELECT s.element, s.names, s.held, '{OwnershipProblem.NO_OWNER}' AS problem FROM seen s
     WHERE NOT EXISTS (SELECT 1 FROM contracts k WHERE k.element = s.element)
     UNION ALL
    SELECT k.element, coalesce(max(s.names), '{{}}'), coalesce(max(s.held), 0), '{OwnershipProblem.PARTLY_OWNED}'
      FROM contracts k LEFT JOIN seen s ON s.element = k.element
     GROUP BY k.element HAVING bool_and(k.selector <> '')
     UNION ALL
    SELECT k.element, '{{}}', 0, '{OwnershipProblem.SOURCE_DELETED}' FROM contracts k
     WHERE k.source_connection_id IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM {CONNECTIONS} n WHERE n.tenant_id = :t AND n.id = k.source_connection_id AND n.state <> 'deleted')
     UNION ALL
    SELECT s.element, s.names, s.held, '{OwnershipProblem.TWO_SOURCES}' FROM seen s WHERE cardinality(s.names) > 1
     ORDER BY 1, 4
"""


async def read_ownership(session: AsyncSession) -> OwnershipReport:
    """Gaps of the scope's client, by element. Retired elements have none."""
    scope = scope_of(session)
    rows = await session.execute(text(_GAPS), {"t": scope.tenant_id, "m": scope.msp_id, "most": _MOST})
    return OwnershipReport(
        [OwnershipGap(row.element, OwnershipProblem.of(row.problem), list(row.names), int(row.held)) for row in rows]
    )
