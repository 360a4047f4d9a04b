"""The API of escalation ladders. Without a client in the path, the ladder that an MSP sets for all its clients."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath, JSONBody

from foundation.database.engine import scope_of
from foundation.web.api import delete, post, put
from foundation.web.etags import GuardedOperation, read_etag, tagged
from governance.escalations.ladder import reset_ladder, save_ladder
from governance.escalations.permissions import EscalationPermission
from governance.escalations.queries import find_approval_item, find_exception_item, read_escalation
from governance.escalations.read_ladder import preview_steps, read_ladder
from governance.escalations.schemas import EscalationStepView, EscalationView, LadderInput, LadderView
from governance.escalations.version import read_ladder_version, require_ladder_version
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from policy.index import PolicyIndex
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_CLIENT: Final = "/api/v1/clients/{client:str}"
_ROOTS: Final = ["/api/v1/escalation-ladder", f"{_CLIENT}/escalation-ladder"]
_READ: Final = {"permission": EscalationPermission.READ_LADDER}
_WRITE: Final = {"permission": EscalationPermission.WRITE_LADDER}
_TAGS: Final = ["escalations"]


def build_ladder_routes(services: GovernanceServices) -> tuple[Any, ...]:
    @get(_ROOTS, opt=_READ, tags=_TAGS)
    async def show_escalation_ladder(access: OpenAccess) -> Response[LadderView]:
        """Show the ladder that applies, its source, and the number of open items at each step now. `ETag` has the
        version of its steps.
        """
        version = await read_ladder_version(access.session)
        return tagged(await read_ladder(access, await index_of(services, access)), version)

    @put(_ROOTS, opt=_WRITE, tags=_TAGS, status_code=204, operation_class=GuardedOperation)
    async def set_escalation_ladder(request: AnyRequest, access: OpenAccess, data: JSONBody[LadderInput]) -> None:
        """Set the ladder. A client's own replaces that of its MSP, which reaches all other clients within a minute."""
        await require_ladder_version(access.session, read_etag(request))
        await save_ladder(access.session, data.steps, index=await index_of(services, access), now=access.now)

    @delete(_ROOTS, opt=_WRITE, tags=_TAGS, status_code=204, operation_class=GuardedOperation)
    async def reset_escalation_ladder(request: AnyRequest, access: OpenAccess) -> None:
        """Return to the inherited ladder: that of the MSP, else the product's."""
        await require_ladder_version(access.session, read_etag(request))
        await reset_ladder(access.session, now=access.now)

    @post([f"{root}/preview" for root in _ROOTS], opt=_READ, tags=_TAGS, status_code=200)
    async def preview_escalation_ladder(access: OpenAccess, data: JSONBody[LadderInput]) -> list[EscalationStepView]:
        """Show how many open items would be at each step now, by these steps. Nothing is saved or sent."""
        return list(await preview_steps(access, await index_of(services, access), data.steps))

    return (show_escalation_ladder, set_escalation_ladder, reset_escalation_ladder, preview_escalation_ladder)


@get(
    f"{_CLIENT}/exceptions/{{exception_id:uuid}}/escalations",
    opt={"permission": GovernancePermission.READ_EXCEPTIONS},
    tags=_TAGS,
)
async def show_exception_escalations(access: OpenAccess, exception_id: FromPath[UUID]) -> EscalationView:
    """Show the steps that an exception reached, and the next one."""
    return await read_escalation(access.session, await find_exception_item(access.session, exception_id))


@get(
    f"{_CLIENT}/approvals/{{change_id:uuid}}/escalations",
    opt={"permission": GovernancePermission.READ_APPROVALS},
    tags=_TAGS,
)
async def show_approval_escalations(access: OpenAccess, change_id: FromPath[UUID]) -> EscalationView:
    """Show the steps that the newest approval of a change reached, and the next one."""
    return await read_escalation(access.session, await find_approval_item(access.session, change_id))


ITEM_ROUTES: Final[tuple[Any, ...]] = (show_exception_escalations, show_approval_escalations)


async def index_of(services: GovernanceServices, access: Access) -> PolicyIndex:
    """The policy of the account in the address. The policy in `access` is that of the caller's account, with its
    members only.
    """
    return await services.policies.index_for(access.session, scope_of(access.session))
