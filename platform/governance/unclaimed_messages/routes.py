"""The API of unclaimed messages."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from connectors.translation.subscriptions import build_router
from connectors.translation.unclaimed_messages import Replay, discard_unclaimed, replay_unclaimed
from foundation.rooms import AppServices
from foundation.web.api import post
from governance.permissions import GovernancePermission
from governance.unclaimed_messages.queries import list_unclaimed
from governance.unclaimed_messages.schemas import DiscardedMessages, DiscardMessagesInput, ReplayInput, UnclaimedList
from tenants.web.dependencies import OpenAccess

_ROOT: Final = "/api/v1/clients/{client:str}/unclaimed-messages"
_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_ACT: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}
_TAGS: Final = ["unclaimed messages"]


def build_unclaimed_routes(services: AppServices) -> tuple[HTTPRouteHandler, ...]:
    router = build_router(services)

    @get(_ROOT, opt=_READ, tags=_TAGS)
    async def list_unclaimed_messages(access: OpenAccess) -> UnclaimedList:
        """List unclaimed messages by connection and type, those stored longest first."""
        return UnclaimedList(await list_unclaimed(access.session, router))

    @post(f"{_ROOT}/replay", opt=_ACT, tags=_TAGS, status_code=202)
    async def replay_unclaimed_messages(access: OpenAccess, data: JSONBody[ReplayInput]) -> Replay:
        """Deliver the kept messages of one connection and type to the rooms that read them now, the oldest source
        events first. Call it again for the remaining ones. Each message is delivered once.
        """
        return await replay_unclaimed(
            access.session, router, connection_id=data.connection_id, message_type=data.message_type, now=access.now
        )

    @post(f"{_ROOT}/discard", opt=_ACT, tags=_TAGS, status_code=200)
    async def discard_unclaimed_messages(access: OpenAccess, data: JSONBody[DiscardMessagesInput]) -> DiscardedMessages:
        """Discard the unclaimed messages of one connection and type. Their source messages remain stored."""
        gone = await discard_unclaimed(
            access.session, router, connection_id=data.connection_id, message_type=data.message_type,
            reason=data.reason, now=access.now,
        )  # fmt: skip
        return DiscardedMessages(gone)

    return list_unclaimed_messages, replay_unclaimed_messages, discard_unclaimed_messages
