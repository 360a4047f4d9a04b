"""Data that is shared with trading partners: derived from connections, contracts and the audit trail, so that it is
never out of date. In the client's scope.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import REFERENCE_ELEMENTS
from connectors.relations import CONNECTIONS
from foundation.database.engine import scope_of
from foundation.relations import AUDIT_ENTRIES
from governance.elements.declarations import declares, is_retired
from governance.elements.selector_labels import write_selector
from governance.labels import write_element
from governance.records.routing import takes_element
from tenants.relations import PARTNERS

MOST: Final = 2000


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """Values that a partner sees on one of its channels: an element, or the part of it that a contract selects.

    `since`: when the channel was connected or given to the partner, or this version of the contract was published,
    whichever was last; `granted_by`: its actor, empty if the audit trail no longer has it.
    """

    partner: str
    partner_id: UUID
    channel: str
    connection_id: UUID
    environment: str
    is_paused: bool
    element: str
    label: str
    part: str
    owner: str
    sensitivity: str
    since: datetime
    granted_by: str


class ShareRecord(msgspec.Struct, frozen=True):
    """Shared data by partner, channel and element. `has_more`: there are more than 2,000."""

    items: Sequence[Share]
    has_more: bool


_IS_PARTNER: Final = (
    """(a.action = 'connection.created' OR CAST(a.body AS jsonb) #> '{data,changed}' @> '["partner_id"]')"""
)
_IS_SELECTED: Final = """a.action = 'contract.published'
    AND coalesce(CAST(a.body AS jsonb) #>> '{data,selector}', '') = k.selector"""
_SHARES: Final = text(f"""
    SELECT p.name AS partner, p.partner_id, n.name AS channel, n.id AS connection_id, n.environment,
           n.state = 'paused' AS is_paused, k.element, k.selector, k.owner, k.sensitivity,
           coalesce(g.at, greatest(n.created_at, k.published_at)) AS since, coalesce(g.granted_by, '') AS granted_by
      FROM {CONNECTIONS} n
      JOIN {PARTNERS} p ON p.tenant_id = n.tenant_id AND p.partner_id = n.partner_id
      JOIN element_contract k ON k.tenant_id = n.tenant_id AND {takes_element("n", "k")}
      LEFT JOIN LATERAL (
        SELECT a.at, CAST(a.body AS jsonb) #>> '{{actor,name}}' AS granted_by FROM {AUDIT_ENTRIES} a
         WHERE a.tenant_id = n.tenant_id
           AND (a.subject = 'connection:' || n.id AND {_IS_PARTNER}
                OR a.subject = 'contract:' || k.element AND {_IS_SELECTED})
         ORDER BY a.at DESC, a.seq DESC LIMIT 1) g ON true
     WHERE n.tenant_id = :t AND NOT {is_retired("k")} AND k.element <> ALL (:references)
       AND NOT EXISTS (SELECT 1 FROM custom_element own WHERE {declares("own", "k")} AND own.code = k.element
                          AND NOT own.distributed)
     ORDER BY p.name, n.name, n.id, k.element, k.selector LIMIT :most
""")


async def read_shares(session: AsyncSession) -> ShareRecord:
    binds = {"t": scope_of(session).tenant_id, "references": sorted(REFERENCE_ELEMENTS), "most": MOST + 1}
    rows = (await session.execute(_SHARES, binds)).all()
    return ShareRecord([_share(row) for row in rows[:MOST]], len(rows) > MOST)


def _share(row: Row[Any]) -> Share:
    own = {"label", "part"}
    return Share(
        label=write_element(row.element), part=write_selector(row.selector) if row.selector else "",
        **{name: getattr(row, name) for name in Share.__struct_fields__ if name not in own},
    )  # fmt: skip
