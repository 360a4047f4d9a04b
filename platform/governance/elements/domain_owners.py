"""Domains of elements and their owners, as SQL that other modules use."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import ELEMENTS
from foundation.database.engine import scope_of
from governance.elements.declarations import declares

_OTHERS: Final = " ".join(
    f"WHEN '{each.code}' THEN '{each.domain}'"
    for each in ELEMENTS.values()
    if each.domain != each.code.partition(".")[0]
)
"""As SQL, cases of elements whose domain is not the beginning of their code."""


def domain_in(contract: str) -> str:
    """As SQL: the domain of the element of `contract`; as `canonical.elements.domain_of`, also of custom elements."""
    return f"""coalesce((SELECT declared.domain FROM custom_element declared
                          WHERE {declares("declared", contract)} AND declared.code = {contract}.element),
                         CASE {contract}.element {_OTHERS} ELSE split_part({contract}.element, '.', 1) END)"""


def has_no_owner(contract: str) -> str:
    """As SQL: the domain of `contract` has no named owner."""
    return f"""NOT EXISTS (SELECT 1 FROM domain_owner named WHERE named.tenant_id = {contract}.tenant_id
                              AND named.domain = {domain_in(contract)})"""


async def owner_of_domain(session: AsyncSession, element: str) -> str:
    """Return the named owner of the domain of `element`; empty without one."""
    scope = scope_of(session)
    found = await session.scalar(
        text(f"""
            SELECT o.owner FROM (SELECT CAST(:t AS uuid) AS tenant_id, CAST(:m AS uuid) AS msp_id,
                                        CAST(:element AS varchar) AS element) c
              JOIN domain_owner o ON o.tenant_id = c.tenant_id AND o.domain = {domain_in("c")}
        """),
        {"t": scope.tenant_id, "m": scope.msp_id, "element": element},
    )
    return str(found or "")
