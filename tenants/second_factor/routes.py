"""API of second factors. Without a client in the path, of the MSP account."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath

from foundation.web.api import delete, put
from tenants.auth.pages import OpenAuth
from tenants.auth.step_up import STEP_UP
from tenants.factors import rules
from tenants.factors.passkeys import count_passkeys
from tenants.members.repository import get_member
from tenants.permissions import TenantPermission
from tenants.second_factor.change_factors import reset_factors
from tenants.second_factor.schemas import FactorsView, SecondFactorRuleView, rule_view
from tenants.web.dependencies import OpenAccess
from tenants.web.links import portal_of

AnyRequest = Request[Any, Any, Any]
_RULES: Final = ["/api/v1/second-factor-rules", "/api/v1/clients/{client:str}/second-factor-rules"]
_RULE: Final = [f"{path}/{{role:str}}" for path in _RULES]
_FACTORS: Final = [
    "/api/v1/members/{member_id:uuid}/second-factors",
    "/api/v1/clients/{client:str}/members/{member_id:uuid}/second-factors",
]
_READ: Final = {"permission": TenantPermission.READ_MEMBERS}
_WRITE: Final = {"permission": TenantPermission.WRITE_SIGN_IN_RULES} | STEP_UP
_RESET: Final = {"permission": TenantPermission.INVITE_MEMBERS} | STEP_UP


@get(_RULES, opt=_READ, tags=["members"])
async def list_second_factor_rules(access: OpenAccess) -> Sequence[SecondFactorRuleView]:
    """List the roles whose members need a second factor."""
    return [rule_view(rule) for rule in await rules.list_rules(access.session)]


@put(_RULE, opt=_WRITE, tags=["members"], status_code=204)
async def set_second_factor_rule(access: OpenAccess, role: FromPath[str]) -> None:
    """Require a second factor of the members with a role, or with `*` of all. It applies from their next sign-in."""
    await rules.set_rule(access.session, role, now=access.now)


@delete(_RULE, opt=_WRITE, tags=["members"])
async def remove_second_factor_rule(access: OpenAccess, role: FromPath[str]) -> None:
    """Stop requiring a second factor of the members with a role."""
    await rules.remove_rule(access.session, role, now=access.now)


@get(_FACTORS, opt=_READ, tags=["members"])
async def show_second_factors(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> FactorsView:
    """Show which second factors a member has."""
    await get_member(access.session, member_id)
    state = await auth.factors.state(access.session, member_id)
    return FactorsView(state.app_since, state.codes, await count_passkeys(access.session, member_id))


@delete(_FACTORS, opt=_RESET, tags=["members"])
async def reset_second_factors(
    request: AnyRequest, access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]
) -> None:
    """Remove the second factors of a member who lost them, and sign them out. The member gets a mail."""
    portal = portal_of(request, access.brand)
    await reset_factors(access.session, auth, access.principal, member_id, portal=portal, now=access.now)


SECOND_FACTOR_ROUTES: Final[tuple[Any, ...]] = (
    list_second_factor_rules,
    set_second_factor_rule,
    remove_second_factor_rule,
    show_second_factors,
    reset_second_factors,
)
