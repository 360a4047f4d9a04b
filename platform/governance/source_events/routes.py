"""The API of source events."""

from typing import Final
from uuid import UUID

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import Forbidden
from foundation.marks import N_
from foundation.redaction import hidden_elements_now
from governance.changes.queries import find_event
from governance.changes.schemas import SourceEventView
from governance.permissions import GovernancePermission
from governance.source_events.lists import SOURCE_EVENTS
from governance.source_events.queries import read_body
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_SOURCE_EVENTS}
_ROOT: Final = "/api/v1/clients/{client:str}/source-events"
_ONE: Final = f"{_ROOT}/{{event_id:uuid}}"
_TAGS: Final = ["source-events"]
_SANDBOXED: Final = {"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "no-store"}

SOURCE_EVENT_LIST: Final = list_route(
    SOURCE_EVENTS,
    _ROOT,
    opt=_READ,
    tags=_TAGS,
    about="List the messages that were received from other systems, newest first, without their bodies. With filters,"
    " 100,000 messages are looked through from the cursor on.",
)


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_source_event(access: OpenAccess, event_id: FromPath[UUID]) -> SourceEventView:
    """Return a received message with the beginning of its body as text."""
    return await find_event(access.session, event_id)


@get(f"{_ONE}/body", opt=_READ, tags=_TAGS, media_type="application/octet-stream")
async def download_source_event(access: OpenAccess, event_id: FromPath[UUID]) -> Response[bytes]:
    """Return the bytes of a message as they were received. The type is always `application/octet-stream`, and browsers
    save it, because the content is another system's; its own type is that of the message. 403 for a reader from whom
    rules hide values.
    """
    if hidden_elements_now():
        raise Forbidden(N_("Rules of the policy hide values from you, and the message may contain them."))
    body = await read_body(access.session, event_id)
    name = {"Content-Disposition": f'attachment; filename="{event_id}.bin"'}
    return Response(body, media_type="application/octet-stream", headers=_SANDBOXED | name)


SOURCE_EVENT_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    SOURCE_EVENT_LIST, show_source_event, download_source_event,
)  # fmt: skip
