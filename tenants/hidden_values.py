"""Values hidden from a caller by the policy of the account whose data is read."""

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from policy.cache import PolicyCache
from policy.index import hidden_elements, roles_of
from policy.visibility import hidden_from_roles
from tenants.principal import Principal


async def find_hidden(session: AsyncSession, policies: PolicyCache, principal: Principal) -> frozenset[str]:
    """Elements whose values are hidden from the caller; from a key also those hidden from its creator, and while staff
    look as a member, those hidden from either.
    """
    scope = scope_of(session)
    seen_by = [one for one in (principal, principal.on_behalf_of, principal.impersonator) if one is not None]
    if scope.fleet:
        hidden = [await hidden_from_roles(session, _roles(one)) for one in seen_by]
    else:
        home = principal.policy
        is_home = home is not None and home.tenant_id == str(scope.tenant_id)
        index = home if is_home and home is not None else await policies.index_for(session, scope)
        hidden = [hidden_elements(index, (*_roles(one), *one.subjects)) for one in seen_by]
    return frozenset().union(*hidden)


def _roles(principal: Principal) -> set[str]:
    """Roles with those that they include."""
    held = set(principal.roles)
    if principal.policy is not None:
        held |= {included for role in principal.roles for included in roles_of(principal.policy, role)}
    return held
