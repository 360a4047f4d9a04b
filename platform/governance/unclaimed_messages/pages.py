"""Page of unclaimed messages."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import URLEncodedBody

from canonical.messages import describe_message_type
from connectors.translation.subscriptions import MessageRouter, build_router
from connectors.translation.unclaimed_messages import discard_unclaimed, replay_unclaimed
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.reasons import LONGEST_REASON
from foundation.rooms import AppServices
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from governance.permissions import GovernancePermission
from governance.unclaimed_messages.queries import list_unclaimed
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_PATH: Final = "/unclaimed-messages"
_ROOT: Final = f"/clients/{{client:str}}{_PATH}"
_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_ACT: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}


class GroupForm(msgspec.Struct):
    connection_id: UUID
    message_type: str
    reason: str = ""


def build_unclaimed_pages(services: AppServices) -> tuple[HTTPRouteHandler, ...]:
    router = build_router(services)

    @get(_ROOT, opt=_READ, include_in_schema=False)
    async def list_unclaimed_messages_page(access: OpenAccess) -> Response[Any]:
        return await _page(access, router)

    @post(f"{_ROOT}/replay", opt=_ACT, include_in_schema=False)
    async def replay_unclaimed_messages_page(access: OpenAccess, data: URLEncodedBody[GroupForm]) -> Response[Any]:
        replay = replay_unclaimed(
            access.session, router, connection_id=data.connection_id, message_type=data.message_type, now=access.now
        )
        refusal = await run_action(access.session, replay)
        return (
            redirect_to(access, _PATH, done=translate("Replayed"))
            if refusal is None
            else await _page(access, router, refusal)
        )

    @post(f"{_ROOT}/discard", opt=_ACT, include_in_schema=False)
    async def discard_unclaimed_messages_page(access: OpenAccess, data: URLEncodedBody[GroupForm]) -> Response[Any]:
        discard = discard_unclaimed(
            access.session, router, connection_id=data.connection_id, message_type=data.message_type,
            reason=data.reason, now=access.now,
        )  # fmt: skip
        refusal = await run_action(access.session, discard)
        if refusal is None:
            return redirect_to(access, _PATH, done=translate("Discarded"))
        return await _page(access, router, refusal, data)

    return list_unclaimed_messages_page, replay_unclaimed_messages_page, discard_unclaimed_messages_page


async def _page(
    access: Access, router: MessageRouter, refusal: DomainError | None = None, typed: GroupForm | None = None
) -> Response[Any]:
    context = {
        "groups": await list_unclaimed(access.session, router),
        "type_label": describe_message_type,
        "typed": typed,
        "reason_limit": LONGEST_REASON,
    }
    return render_page(access, "unclaimed_messages.html", translate("Unclaimed messages"), context, refusal=refusal)
