"""The API of changes."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.api import post
from governance.changes.lists import ATTEMPTS, CHANGES
from governance.changes.propose import propose_change
from governance.changes.queries import find_change, read_change
from governance.changes.rollback import roll_back_change
from governance.changes.schemas import ChangeDetail, ChangeView, ProposalInput, RollbackInput
from governance.permissions import GovernancePermission
from governance.propagation.schemas import PropagationView
from governance.services import GovernanceServices
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_CHANGES}
_CHANNELS: Final = {"permission": GovernancePermission.READ_PROPAGATIONS}
_PROPOSE: Final = {"permission": GovernancePermission.PROPOSE_CHANGE}
_ROLL_BACK: Final = {"permission": GovernancePermission.ROLL_BACK_CHANGE}
_ROOT: Final = "/api/v1/clients/{client:str}/changes"
_ONE: Final = f"{_ROOT}/{{change_id:uuid}}"
_TAGS: Final = ["changes"]


CHANGE_LIST: Final = list_route(
    CHANGES, _ROOT, opt=_READ, tags=_TAGS, about="List changes with their channels, newest first."
)


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_change(access: OpenAccess, change_id: FromPath[UUID]) -> ChangeDetail:
    """Return a change with its channels, its approval, its open exceptions and its newest delivery attempts."""
    return await read_change(access.session, change_id, now=access.now)


@get(f"{_ONE}/propagations", opt=_CHANNELS, tags=_TAGS)
async def list_propagations(access: OpenAccess, change_id: FromPath[UUID]) -> Sequence[PropagationView]:
    """List the state of a change on each channel. Only `verified` means that buyers see it."""
    return (await find_change(access.session, change_id, now=access.now)).channels


ATTEMPT_LIST: Final = list_route(
    ATTEMPTS,
    f"{_ONE}/attempts",
    opt=_READ,
    tags=_TAGS,
    about="List the delivery attempts of a change, newest first: what was sent, what was answered, how long it took.",
)


def build_change_routes(services: GovernanceServices) -> list[HTTPRouteHandler]:
    @post(f"{_ONE}/rollback", opt=_ROLL_BACK, tags=_TAGS)
    async def create_rollback(
        access: OpenAccess, change_id: FromPath[UUID], data: JSONBody[RollbackInput]
    ) -> ChangeView:
        """Restore the earlier value, on one channel or on all. Returns the new change."""
        back = await roll_back_change(access.session, services, change_id, connection_id=data.connection_id)
        return await find_change(access.session, back, now=access.now)

    @post(_ROOT, opt=_PROPOSE, tags=_TAGS)
    async def create_proposal(access: OpenAccess, data: JSONBody[ProposalInput]) -> ChangeView:
        """Propose a value of an element without a connected source. Policy decides; the author cannot approve it."""
        made = await propose_change(access.session, services, key=data.key, value=data.value, note=data.note)
        return await find_change(access.session, made, now=access.now)

    return [CHANGE_LIST, show_change, list_propagations, ATTEMPT_LIST, create_rollback, create_proposal]
