"""The API of held values."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from foundation.web.api import post
from governance.held_values.discard import discard_held
from governance.held_values.queries import list_held
from governance.held_values.schemas import DiscardInput, DiscardResult, HeldList
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess

_ROOT: Final = "/api/v1/clients/{client:str}/held-values"
_READ: Final = {"permission": GovernancePermission.READ_CONTRACTS}
_DISCARD: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}
_TAGS: Final = ["held values"]


@get(_ROOT, opt=_READ, tags=_TAGS)
async def list_held_values(access: OpenAccess) -> HeldList:
    """List values that wait for an element contract, by connection and element, those held longest first."""
    return HeldList(await list_held(access.session))


@post(f"{_ROOT}/discard", opt=_DISCARD, tags=_TAGS, status_code=200)
async def discard_held_values(access: OpenAccess, data: JSONBody[DiscardInput]) -> DiscardResult:
    """Discard the held values of one connection and element. Their messages stay stored."""
    gone = await discard_held(
        access.session, connection_id=data.connection_id, element=data.element, reason=data.reason, now=access.now
    )
    return DiscardResult(gone)


HELD_VALUE_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_held_values, discard_held_values)
