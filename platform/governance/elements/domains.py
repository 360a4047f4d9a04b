"""Data domains of a client, each with the person or team that answers for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.codes import LabelledCode
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.names import clean_name
from governance.audit_actions import GovernanceAction
from governance.elements.declarations import is_retired
from governance.elements.domain_owners import domain_in
from governance.elements.publish_contract import OTHER_OWNER, USUAL_ELEMENTS
from governance.elements.schemas import DomainOwnerInput


class DataDomain(LabelledCode):
    """The product's own domains. Custom elements may be of others."""

    PRODUCT = "product", N_("Product data")
    PRICE = "price", N_("Prices")
    STOCK = "stock", N_("Stock")
    CUSTOMER = "customer", N_("Customers")
    RESELLER = "reseller", N_("Resellers")
    ORDER = "order", N_("Orders")
    POLICY = "policy", N_("Terms and policies")


USUAL_OWNERS: Final = frozenset({*USUAL_ELEMENTS.values(), OTHER_OWNER})
"""Owners that contracts get if nobody names one: teams that a client may not have."""


class DomainView(msgspec.Struct, frozen=True, kw_only=True):
    """A domain. `owner` is empty if nobody is named. `elements`: those with a contract. `unnamed`: contracts that a
    usual team owns, such as Catalogue.
    """

    domain: str
    label: str
    owner: str
    contracts: int
    elements: Sequence[str]
    unnamed: int
    changed_at: datetime | None
    changed_by: str

    @property
    def is_warned(self) -> bool:
        """Whether values of the domain are governed, and nobody answers for it."""
        return self.contracts > 0 and not self.owner


class DataDomains(msgspec.Struct, frozen=True):
    items: Sequence[DomainView]


_DOMAINS: Final = text(f"""
    WITH k AS (
        SELECT {domain_in("c")} AS domain, count(*) AS contracts,
               array_agg(DISTINCT c.element ORDER BY c.element) AS elements,
               count(*) FILTER (WHERE c.owner = ANY (:usual)) AS unnamed
          FROM element_contract c WHERE c.tenant_id = :t AND NOT {is_retired("c")} GROUP BY 1)
    SELECT coalesce(k.domain, d.domain) AS domain, coalesce(k.contracts, 0) AS contracts,
           coalesce(k.elements, '{{}}') AS elements, coalesce(k.unnamed, 0) AS unnamed,
           coalesce(d.owner, '') AS owner, d.changed_at, coalesce(d.changed_by, '') AS changed_by
      FROM k FULL JOIN (SELECT * FROM domain_owner WHERE tenant_id = :t) d ON d.domain = k.domain
""")


async def read_domains(session: AsyncSession) -> DataDomains:
    """The product's domains in their order, then others of the scope's client."""
    rows = await session.execute(_DOMAINS, {"t": scope_of(session).tenant_id, "usual": sorted(USUAL_OWNERS)})
    found = {row.domain: row for row in rows}
    codes = [*map(str, DataDomain), *sorted(found.keys() - set(DataDomain))]
    return DataDomains([_view(code, found.get(code)) for code in codes])


def _view(code: str, row: Row[Any] | None) -> DomainView:
    label = translate(DataDomain.of(code).label) if code in set(DataDomain) else code
    if row is None:
        return DomainView(
            domain=code, label=label, owner="", contracts=0, elements=[], unnamed=0, changed_at=None, changed_by=""
        )
    return DomainView(
        domain=code, label=label, owner=row.owner, contracts=row.contracts, elements=list(row.elements),
        unnamed=row.unnamed, changed_at=row.changed_at, changed_by=row.changed_by,
    )  # fmt: skip


async def set_domain_owner(session: AsyncSession, wanted: DomainOwnerInput, *, now: datetime) -> None:
    """Name the owner of a domain; an empty name removes it. Contracts keep their own owners.

    Raises:
        InvalidInput: there is no such domain, or the name is malformed.
    """
    scope = scope_of(session)
    if wanted.domain not in {one.domain for one in (await read_domains(session)).items}:
        raise InvalidInput(
            N_("There is no domain {code}. There are: {known}."),
            params={"code": repr(wanted.domain[:40]), "known": ", ".join(DataDomain)},
            field="domain",
        )
    owner = clean_name(wanted.owner, field="owner") if wanted.owner.strip() else ""
    if owner in USUAL_OWNERS:
        raise InvalidInput(N_("Name a person or a team of the client, not a usual team."), field="owner")
    binds = {"t": scope.tenant_id, "m": scope.msp_id, "domain": wanted.domain, "owner": owner, "now": now,
             "by": scope.actor.name}  # fmt: skip
    await session.execute(_SET if owner else _REMOVE, binds if owner else {"t": binds["t"], "domain": wanted.domain})
    append_audit(
        session, action=GovernanceAction.CONTRACT_DOMAIN_OWNER_SET, subject=f"domain:{wanted.domain}",
        data={"owner": owner}, at=now,
    )  # fmt: skip


_SET: Final = text("""
    INSERT INTO domain_owner (tenant_id, msp_id, domain, owner, changed_at, changed_by)
    VALUES (:t, :m, :domain, :owner, :now, :by)
        ON CONFLICT (tenant_id, domain) DO UPDATE SET owner = excluded.owner, changed_at = excluded.changed_at,
           changed_by = excluded.changed_by
""")
_REMOVE: Final = text("DELETE FROM domain_owner WHERE tenant_id = :t AND domain = :domain")
