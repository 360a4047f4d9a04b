"""Names that are public among an account's users (provider, brands, hosts, the account, its partners), for password
checks.

For the MSP's own members the names of its clients, too. Client members get none of the other clients' names: a refusal
would reveal them.
"""

from dataclasses import replace
from typing import Final

from sqlalchemy import select

from branding.directory import list_brand_names
from foundation.database.engine import Database
from foundation.scope import Scope
from tenants.models import Client, Msp, Partner

_MOST: Final = 500


async def read_account_names(db: Database, scope: Scope) -> list[str]:
    """Names for the account of this scope: a client, or the MSP account."""
    msp_account = replace(scope, tenant_id=scope.msp_id, partner_id=None)
    in_msp_account = scope.tenant_id == scope.msp_id
    async with db.transaction(msp_account) as session:
        names = list(await list_brand_names(session))
    async with db.transaction(msp_account.for_fleet()) as session:
        msps = select(Msp.name, Msp.slug).where(Msp.tenant_id == scope.msp_id)
        clients = select(Client.name, Client.slug).where(Client.msp_id == scope.msp_id)
        if not in_msp_account:
            clients = clients.where(Client.tenant_id == scope.tenant_id)
        for query in (msps, clients.order_by(Client.slug).limit(_MOST)):
            names += [text for row in await session.execute(query) for text in row]
    if not in_msp_account:
        async with db.transaction(scope) as session:
            partners = select(Partner.name).where(Partner.tenant_id == scope.tenant_id).order_by(Partner.id)
            names += await session.scalars(partners.limit(_MOST))
    return names
