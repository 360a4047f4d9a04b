"""The API of exceptions and dead letters."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from foundation.web.api import post
from governance.changes.replay import replay_exception
from governance.exception_queue.queries import ExceptionFilter, find_exception, list_exceptions
from governance.exceptions.lifecycle import close_exception
from governance.exceptions.schemas import ExceptionPage, ExceptionView
from governance.inputs import USUAL, check_limit
from governance.permissions import GovernancePermission
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_EXCEPTIONS}
_RESOLVE: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}
_ROOT: Final = "/api/v1/clients/{client:str}/exceptions"
_ONE: Final = f"{_ROOT}/{{exception_id:uuid}}"
_TAGS: Final = ["exceptions"]


async def _wanted(
    status: FromQuery[str] = "open",
    code: FromQuery[str] = "",
    domain: FromQuery[str] = "",
    owner: FromQuery[str] = "",
) -> ExceptionFilter:
    return ExceptionFilter(state=status, code=code, domain=domain, owner=owner)


WantedExceptions = NamedDependency[ExceptionFilter]
"""Type of a handler's parameter `wanted`, filled from the query by FILTERED."""
FILTERED: Final = {"wanted": Provide(_wanted)}


@get(_ROOT, opt=_READ, tags=_TAGS, dependencies=FILTERED)
async def api_exceptions(
    access: OpenAccess,
    wanted: WantedExceptions,
    cursor: FromQuery[UUID | None] = None,
    limit: FromQuery[int] = USUAL,
) -> ExceptionPage:
    """List exceptions, worst first, then oldest. `status`: open, resolved or discarded.

    `domain` is the first part of an element's name, or `none`; `owner` is the owner in the element's contract.
    """
    return await list_exceptions(access.session, wanted=wanted, cursor=cursor, limit=check_limit(limit))


@get(_ONE, opt=_READ, tags=_TAGS)
async def api_exception(access: OpenAccess, exception_id: FromPath[UUID]) -> ExceptionView:
    return await find_exception(access.session, exception_id)


@post(f"{_ONE}/replay", opt=_RESOLVE, tags=_TAGS, status_code=202)
async def api_exception_replay(access: OpenAccess, exception_id: FromPath[UUID]) -> ExceptionView:
    """Replay the original message, or send the released change again."""
    await replay_exception(access.session, exception_id, now=access.now)
    return await find_exception(access.session, exception_id)


@post(f"{_ONE}/resolve", opt=_RESOLVE, tags=_TAGS, status_code=200)
async def api_exception_resolve(access: OpenAccess, exception_id: FromPath[UUID]) -> ExceptionView:
    await close_exception(access.session, exception_id, state="resolved", now=access.now)
    return await find_exception(access.session, exception_id)


@post(f"{_ONE}/discard", opt=_RESOLVE, tags=_TAGS, status_code=200)
async def api_exception_discard(access: OpenAccess, exception_id: FromPath[UUID]) -> ExceptionView:
    await close_exception(access.session, exception_id, state="discarded", now=access.now)
    return await find_exception(access.session, exception_id)


EXCEPTION_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    api_exceptions,
    api_exception,
    api_exception_replay,
    api_exception_resolve,
    api_exception_discard,
)
