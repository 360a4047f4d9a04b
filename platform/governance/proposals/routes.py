"""The API of proposals: preview, schedule, list, cancel. A proposal for now is `POST …/changes`."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.api import post
from governance.changes.schemas import ValueInput
from governance.permissions import GovernancePermission
from governance.proposals.lists import SCHEDULED
from governance.proposals.preview import preview_proposal
from governance.proposals.queries import find_scheduled
from governance.proposals.schedule import cancel_proposal, schedule_proposal
from governance.proposals.schemas import ProposalPreview, ScheduledProposalView, ScheduleInput
from governance.services import GovernanceServices
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_CHANGES}
_PROPOSE: Final = {"permission": GovernancePermission.PROPOSE_CHANGE}
_CLIENT: Final = "/api/v1/clients/{client:str}"
_ROOT: Final = f"{_CLIENT}/scheduled-proposals"
_ONE: Final = f"{_ROOT}/{{proposal_id:uuid}}"
_TAGS: Final = ["changes"]

SCHEDULED_LIST: Final = list_route(
    SCHEDULED, _ROOT, opt=_READ, tags=_TAGS, about="List values that are proposed at a later time, the next first."
)


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_scheduled_proposal(access: OpenAccess, proposal_id: FromPath[UUID]) -> ScheduledProposalView:
    """Return a scheduled proposal; once it was proposed, with its change."""
    return await find_scheduled(access.session, proposal_id)


@post(f"{_ONE}/cancel", opt=_PROPOSE, tags=_TAGS, status_code=200)
async def cancel_scheduled_proposal(access: OpenAccess, proposal_id: FromPath[UUID]) -> ScheduledProposalView:
    """Cancel a scheduled proposal before its time."""
    await cancel_proposal(access.session, proposal_id, now=access.now)
    return await find_scheduled(access.session, proposal_id)


def build_proposal_routes(services: GovernanceServices) -> list[HTTPRouteHandler]:
    @post(f"{_CLIENT}/changes/preview", opt=_PROPOSE, tags=_TAGS, status_code=200)
    async def preview_change(access: OpenAccess, data: JSONBody[ValueInput]) -> ProposalPreview:
        """Return the decision that policy would make on a proposal now, by channel. Nothing is written."""
        return await preview_proposal(access.session, services, key=data.key, value=data.value)

    @post(_ROOT, opt=_PROPOSE, tags=_TAGS)
    async def create_scheduled_proposal(access: OpenAccess, data: JSONBody[ScheduleInput]) -> ScheduledProposalView:
        """Propose a value at a later time. Policy decides it then; its author cannot approve it."""
        made = await schedule_proposal(
            access.session, key=data.key, value=data.value, note=data.note, effective_at=data.effective_at,
            now=access.now, new_id=services.new_id,
        )  # fmt: skip
        return await find_scheduled(access.session, made)

    return [SCHEDULED_LIST, show_scheduled_proposal, cancel_scheduled_proposal, preview_change,
            create_scheduled_proposal]  # fmt: skip
