"""Pages of exceptions and dead letters, worst first, each with its possible actions."""

from collections.abc import Awaitable
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from canonical.values import Value
from foundation.errors import DomainError
from foundation.web.actions import run_action, try_list
from foundation.web.fragments import FRAGMENT
from foundation.web.render import redirect_to
from governance.changes.queries import find_change
from governance.changes.replay import replay_exception
from governance.exception_queue.queries import (
    ExceptionFilter,
    count_exceptions,
    find_exception,
    list_exceptions,
    list_owners,
)
from governance.exception_queue.routes import FILTERED, WantedExceptions
from governance.exceptions.lifecycle import close_exception
from governance.exceptions.schemas import ExceptionPage
from governance.exceptions.severity import WEIGHTS
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.web.render import render_page
from tenants.access import Access
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_EXCEPTIONS}
_RESOLVE: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}
_ROOT: Final = "/clients/{client:str}/exceptions"
_DOMAINS: Final = (("", "Any"), ("price", "Prices"), ("stock", "Stock"), ("none", "Messages"))


@get(_ROOT, opt=_READ, dependencies=FILTERED, include_in_schema=False)
async def exception_list(
    access: OpenAccess, wanted: WantedExceptions, cursor: FromQuery[UUID | None] = None
) -> Response[Any]:
    context, refusal = await _list_context(access, wanted, cursor)
    return render_page(access, "exceptions.html", "Exceptions", context, refusal=refusal)


@get(f"{_ROOT}/rows", opt=_READ | FRAGMENT, dependencies=FILTERED, include_in_schema=False)
async def exception_rows(
    access: OpenAccess, wanted: WantedExceptions, cursor: FromQuery[UUID | None] = None
) -> Response[Any]:
    context, refusal = await _list_context(access, wanted, cursor)
    return render_page(access, "exception_rows.html", "Exceptions", {**context, "redrawn": True}, refusal=refusal)


@get(f"{_ROOT}/{{exception_id:uuid}}", opt=_READ, include_in_schema=False)
async def exception_detail(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    return await _detail(access, exception_id)


@post(f"{_ROOT}/{{exception_id:uuid}}/replay", opt=_RESOLVE, include_in_schema=False)
async def exception_replay(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    return await _act(access, exception_id, replay_exception(access.session, exception_id, now=access.now), "Replayed")


@post(f"{_ROOT}/{{exception_id:uuid}}/resolve", opt=_RESOLVE, include_in_schema=False)
async def exception_resolve(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    settle = close_exception(access.session, exception_id, state="resolved", now=access.now)
    return await _act(access, exception_id, settle, "Resolved")


@post(f"{_ROOT}/{{exception_id:uuid}}/discard", opt=_RESOLVE, include_in_schema=False)
async def exception_discard(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    settle = close_exception(access.session, exception_id, state="discarded", now=access.now)
    return await _act(access, exception_id, settle, "Discarded")


async def _act(access: Access, exception_id: UUID, act: Awaitable[None], done: str) -> Response[Any]:
    refusal = await run_action(access.session, act)
    if refusal is not None:
        return await _detail(access, exception_id, refusal)
    return redirect_to(access, f"/exceptions/{exception_id}", done=done)


async def _detail(access: Access, exception_id: UUID, refusal: DomainError | None = None) -> Response[Any]:
    found = await find_exception(access.session, exception_id)
    change = None if found.change_id is None else await find_change(access.session, found.change_id, now=access.now)
    cost = None
    if change is not None and change.cost_amount is not None and change.new.currency:
        cost = Value(change.cost_amount, change.new.currency)
    titles = await load_titles(access.session, [found.record_key])
    context = {"titles": titles, "exception": found, "change": change, "cost": cost}
    return render_page(access, "exception.html", found.title, context, refusal=refusal)


async def _list_context(
    access: Access, wanted: ExceptionFilter, cursor: UUID | None
) -> tuple[dict[str, object], DomainError | None]:
    listing = list_exceptions(access.session, wanted=wanted, cursor=cursor)
    found, refusal = await try_list(access.session, listing, ExceptionPage([]))
    context: dict[str, object] = {
        "found": found,
        "titles": await load_titles(access.session, [exception.record_key for exception in found.items]),
        "wanted": wanted,
        "cursor": cursor,
        "codes": sorted(WEIGHTS),
        "domains": _DOMAINS,
        "owners": await list_owners(access.session),
        "redrawn": False,
        "counts": await count_exceptions(access.session),
    }
    return context, refusal


EXCEPTION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    exception_list,
    exception_rows,
    exception_detail,
    exception_replay,
    exception_resolve,
    exception_discard,
)
