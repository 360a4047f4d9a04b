"""Exceptions and dead letters: worst first, each with what can be done about it."""

from collections.abc import Awaitable
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from canonical.elements import Value
from foundation.errors import DomainError
from foundation.lanes.dead_letters import discard_dead_letter, replay_dead_letter
from foundation.web.fragments import FRAGMENT
from governance.answers.pages import go, show, try_list, try_to
from governance.attention.queries import (
    ExceptionFilter,
    count_attention,
    find_exception,
    list_attention,
    list_letters,
    list_owners,
)
from governance.attention.routes import FILTERED, WantedExceptions
from governance.changes.queries import find_change
from governance.exceptions import replay_exception, settle_exception
from governance.permissions import GovernancePermission
from governance.schemas import DeadLetterPage, ExceptionPage
from governance.severity import WEIGHTS
from governance.titles import load_titles
from tenants.access import Access
from tenants.routes import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_EXCEPTIONS}
_RESOLVE: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}
_LETTERS: Final = {"permission": GovernancePermission.READ_DEAD_LETTERS}
_REPLAY_LETTER: Final = {"permission": GovernancePermission.REPLAY_DEAD_LETTER}
_DISCARD_LETTER: Final = {"permission": GovernancePermission.DISCARD_DEAD_LETTER}
_ROOT: Final = "/clients/{client:str}/exceptions"
_DOMAINS: Final = (("", "Any"), ("price", "Prices"), ("stock", "Stock"), ("none", "Messages"))
_LETTER: Final = "/clients/{client:str}/dead-letters"


@get(_ROOT, opt=_READ, dependencies=FILTERED, include_in_schema=False)
async def exception_list(
    access: OpenAccess, wanted: WantedExceptions, after: FromQuery[UUID | None] = None
) -> Response[Any]:
    context, refusal = await _list_context(access, wanted, after)
    return show(access, "exceptions.html", "Exceptions", context, refusal=refusal)


@get(f"{_ROOT}/rows", opt=_READ | FRAGMENT, dependencies=FILTERED, include_in_schema=False)
async def exception_rows(
    access: OpenAccess, wanted: WantedExceptions, after: FromQuery[UUID | None] = None
) -> Response[Any]:
    context, refusal = await _list_context(access, wanted, after)
    return show(access, "exception_rows.html", "Exceptions", {**context, "redrawn": True}, refusal=refusal)


@get(f"{_ROOT}/{{exception_id:uuid}}", opt=_READ, include_in_schema=False)
async def exception_detail(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    return await _detail(access, exception_id)


@post(f"{_ROOT}/{{exception_id:uuid}}/replay", opt=_RESOLVE, include_in_schema=False)
async def exception_replay(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    return await _act(access, exception_id, replay_exception(access.session, exception_id, now=access.now), "Replayed")


@post(f"{_ROOT}/{{exception_id:uuid}}/resolve", opt=_RESOLVE, include_in_schema=False)
async def exception_resolve(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    settle = settle_exception(access.session, exception_id, state="resolved", now=access.now)
    return await _act(access, exception_id, settle, "Resolved")


@post(f"{_ROOT}/{{exception_id:uuid}}/discard", opt=_RESOLVE, include_in_schema=False)
async def exception_discard(access: OpenAccess, exception_id: FromPath[UUID]) -> Response[Any]:
    settle = settle_exception(access.session, exception_id, state="discarded", now=access.now)
    return await _act(access, exception_id, settle, "Discarded")


@get(_LETTER, opt=_LETTERS, include_in_schema=False)
async def dead_letter_list(
    access: OpenAccess, status: FromQuery[str] = "parked", after: FromQuery[UUID | None] = None
) -> Response[Any]:
    return await _letters(access, status, after)


@post(f"{_LETTER}/{{letter_id:uuid}}/replay", opt=_REPLAY_LETTER, include_in_schema=False)
async def dead_letter_replay(access: OpenAccess, letter_id: FromPath[UUID]) -> Response[Any]:
    refusal = await try_to(access, replay_dead_letter(access.session, letter_id, now=access.now))
    return (
        go(access, "/dead-letters", done="Replayed")
        if refusal is None
        else await _letters(access, "parked", None, refusal)
    )


@post(f"{_LETTER}/{{letter_id:uuid}}/discard", opt=_DISCARD_LETTER, include_in_schema=False)
async def dead_letter_discard(access: OpenAccess, letter_id: FromPath[UUID]) -> Response[Any]:
    refusal = await try_to(access, discard_dead_letter(access.session, letter_id, now=access.now))
    return (
        go(access, "/dead-letters", done="Discarded")
        if refusal is None
        else await _letters(access, "parked", None, refusal)
    )


async def _act(access: Access, exception_id: UUID, act: Awaitable[None], done: str) -> Response[Any]:
    refusal = await try_to(access, act)
    if refusal is not None:
        return await _detail(access, exception_id, refusal)
    return go(access, f"/exceptions/{exception_id}", done=done)


async def _detail(access: Access, exception_id: UUID, refusal: DomainError | None = None) -> Response[Any]:
    found = await find_exception(access.session, exception_id)
    change = None if found.change_id is None else await find_change(access.session, found.change_id, now=access.now)
    cost = None
    if change is not None and change.cost_amount is not None and change.new.currency:
        cost = Value(change.cost_amount, change.new.currency)
    titles = await load_titles(access.session, [found.record_key])
    context = {"titles": titles, "exception": found, "change": change, "cost": cost}
    return show(access, "exception.html", found.title, context, refusal=refusal)


async def _list_context(
    access: Access, wanted: ExceptionFilter, after: UUID | None
) -> tuple[dict[str, object], DomainError | None]:
    listing = list_attention(access.session, wanted=wanted, after=after)
    found, refusal = await try_list(access, listing, ExceptionPage([]))
    context: dict[str, object] = {
        "found": found,
        "titles": await load_titles(access.session, [exception.record_key for exception in found.items]),
        "wanted": wanted,
        "after": after,
        "codes": sorted(WEIGHTS),
        "domains": _DOMAINS,
        "owners": await list_owners(access.session),
        "redrawn": False,
        "counts": await count_attention(access.session),
    }
    return context, refusal


async def _letters(access: Access, state: str, after: UUID | None, refusal: DomainError | None = None) -> Response[Any]:
    found, unclear = await try_list(access, list_letters(access.session, state=state, after=after), DeadLetterPage([]))
    refusal = refusal or unclear
    context = {
        "found": found,
        "state": state,
        "after": after,
        "counts": await count_attention(access.session),
    }
    return show(access, "dead_letters.html", "Failed jobs", context, refusal=refusal)


ATTENTION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    exception_list,
    exception_rows,
    exception_detail,
    exception_replay,
    exception_resolve,
    exception_discard,
    dead_letter_list,
    dead_letter_replay,
    dead_letter_discard,
)
