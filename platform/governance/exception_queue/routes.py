"""The API of exceptions."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final, Literal
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.actions import BulkIds, BulkResult, bulk_action
from foundation.web.api import post
from foundation.web.requests import RequestBody
from governance.changes import replay
from governance.exception_queue.lists import EXCEPTIONS
from governance.exception_queue.queries import find_exception
from governance.exceptions.lifecycle import close_exception
from governance.exceptions.schemas import ExceptionView
from governance.exceptions.states import ExceptionState
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_EXCEPTIONS}
_RESOLVE: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}
_ROOT: Final = "/api/v1/clients/{client:str}/exceptions"
_ONE: Final = f"{_ROOT}/{{exception_id:uuid}}"
_TAGS: Final = ["exceptions"]


EXCEPTION_LIST: Final = list_route(
    EXCEPTIONS, _ROOT, opt=_READ, tags=_TAGS, about="List exceptions, worst first, then oldest."
)
BULK: Final[Mapping[str, Callable[..., Awaitable[None]]]] = {
    "replay": replay.replay_exception,
    "resolve": partial(close_exception, state=ExceptionState.RESOLVED),
    "discard": partial(close_exception, state=ExceptionState.DISCARDED),
}
"""Acts on several exceptions, by their names."""


class ExceptionBulk(RequestBody, frozen=True):
    """Up to 200 exceptions and what to do with them."""

    action: Literal["replay", "resolve", "discard"]
    ids: BulkIds


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_exception(access: OpenAccess, exception_id: FromPath[UUID]) -> ExceptionView:
    """Return an exception with the parts of its severity."""
    return await find_exception(access.session, exception_id)


@post(f"{_ONE}/replay", opt=_RESOLVE, tags=_TAGS, status_code=202)
async def replay_exception(access: OpenAccess, exception_id: FromPath[UUID]) -> ExceptionView:
    """Replay the original message, or send the released change again."""
    await replay.replay_exception(access.session, exception_id, now=access.now)
    return await find_exception(access.session, exception_id)


@post(f"{_ONE}/resolve", opt=_RESOLVE, tags=_TAGS, status_code=200)
async def resolve_exception(access: OpenAccess, exception_id: FromPath[UUID]) -> ExceptionView:
    """Close an exception as resolved."""
    await close_exception(access.session, exception_id, state=ExceptionState.RESOLVED, now=access.now)
    return await find_exception(access.session, exception_id)


@post(f"{_ONE}/discard", opt=_RESOLVE, tags=_TAGS, status_code=200)
async def discard_exception(access: OpenAccess, exception_id: FromPath[UUID]) -> ExceptionView:
    """Close an exception without a correction."""
    await close_exception(access.session, exception_id, state=ExceptionState.DISCARDED, now=access.now)
    return await find_exception(access.session, exception_id)


@post(f"{_ROOT}/bulk", opt=_RESOLVE, tags=_TAGS, status_code=200)
async def close_or_replay_exceptions(access: OpenAccess, data: JSONBody[ExceptionBulk]) -> BulkResult:
    """Replay, resolve or discard up to 200 exceptions. Each has its own result; a refusal does not stop the others."""
    act = BULK[data.action]
    return await bulk_action(access.session, data.ids, lambda one: act(access.session, one, now=access.now))


EXCEPTION_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    EXCEPTION_LIST,
    close_or_replay_exceptions,
    show_exception,
    replay_exception,
    resolve_exception,
    discard_exception,
)
