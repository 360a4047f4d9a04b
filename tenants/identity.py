"""From what a request carries (a session cookie or an API key) to who it is, read anew for each request."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.scope import Actor, Scope
from policy.cache import PolicyCache
from tenants.door import Door
from tenants.models import Client, Person, Standing
from tenants.principal import Principal
from tenants.roles import held_roles, latest_policy
from tenants.sessions import Session


@dataclass(frozen=True, slots=True)
class SignedIn:
    principal: Principal
    session: Session


async def identify_person(door: Door, *, msp_id: UUID, cookie: str) -> SignedIn | None:
    """Who is signed in with this cookie on a host of this MSP, or None.

    Two round trips: the session in Valkey, then standing and roles in one statement. A session ends here when its
    person or account was suspended, or signed out everywhere after it began.
    """
    session = await door.sessions.find(cookie, msp_id=msp_id, now=door.clock())
    if session is None:
        return None
    scope = Scope(msp_id=msp_id, tenant_id=session.tenant_id, actor=Actor.system("identity"))
    async with door.db.transaction(scope) as transaction:
        principal = await load_principal(transaction, door.policies, session.person_id, began=session.created_at)
    if principal is None:
        await door.sessions.end(session)
        return None
    return SignedIn(principal, session)


async def load_principal(
    session: AsyncSession, policies: PolicyCache, person_id: UUID, *, began: datetime | None = None
) -> Principal | None:
    """The person of the scope's tenant, if in good standing, with the roles held now. `began`: when its session did."""
    scope = scope_of(session)
    row = (
        await session.execute(
            select(
                Person.name,
                Person.status,
                Person.partner_id,
                Person.signed_out_after,
                Client.status.label("account"),
                latest_policy(scope.tenant_id).label("policy_stamp"),
            )
            .outerjoin(Client, Client.tenant_id == Person.tenant_id)
            .where(Person.tenant_id == scope.tenant_id, Person.id == person_id)
        )
    ).one_or_none()
    if row is None or row.status != Standing.ACTIVE or row.account not in (None, Standing.ACTIVE):
        return None
    if began is not None and row.signed_out_after is not None and began < row.signed_out_after:
        return None
    index = await policies.index_at(session, scope, stamp=row.policy_stamp)
    return Principal(
        kind="person",
        id=person_id,
        name=row.name,
        msp_id=scope.msp_id,
        tenant_id=scope.tenant_id,
        partner_id=row.partner_id,
        roles=held_roles(index, str(person_id)),
        policy=index,
    )
