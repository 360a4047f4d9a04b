"""Pages of dead letters: jobs that failed for good, replayed or discarded by people."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from foundation.errors import DomainError
from foundation.jobs.dead_letters import discard_dead_letter, replay_dead_letter
from foundation.web.actions import run_action, try_list
from foundation.web.render import redirect_to
from governance.dead_letters.queries import list_letters
from governance.dead_letters.schemas import DeadLetterPage
from governance.exception_queue.queries import count_exceptions
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.access import Access
from tenants.routes import OpenAccess

_LETTERS: Final = {"permission": GovernancePermission.READ_DEAD_LETTERS}
_REPLAY_LETTER: Final = {"permission": GovernancePermission.REPLAY_DEAD_LETTER}
_DISCARD_LETTER: Final = {"permission": GovernancePermission.DISCARD_DEAD_LETTER}
_LETTER: Final = "/clients/{client:str}/dead-letters"


@get(_LETTER, opt=_LETTERS, include_in_schema=False)
async def dead_letter_list(
    access: OpenAccess, status: FromQuery[str] = "open", cursor: FromQuery[UUID | None] = None
) -> Response[Any]:
    return await _letters(access, status, cursor)


@post(f"{_LETTER}/{{letter_id:uuid}}/replay", opt=_REPLAY_LETTER, include_in_schema=False)
async def dead_letter_replay(access: OpenAccess, letter_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, replay_dead_letter(access.session, letter_id, now=access.now))
    return (
        redirect_to(access, "/dead-letters", done="Replayed")
        if refusal is None
        else await _letters(access, "open", None, refusal)
    )


@post(f"{_LETTER}/{{letter_id:uuid}}/discard", opt=_DISCARD_LETTER, include_in_schema=False)
async def dead_letter_discard(access: OpenAccess, letter_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, discard_dead_letter(access.session, letter_id, now=access.now))
    return (
        redirect_to(access, "/dead-letters", done="Discarded")
        if refusal is None
        else await _letters(access, "open", None, refusal)
    )


async def _letters(
    access: Access, state: str, cursor: UUID | None, refusal: DomainError | None = None
) -> Response[Any]:
    found, unclear = await try_list(
        access.session, list_letters(access.session, state=state, cursor=cursor), DeadLetterPage([])
    )
    refusal = refusal or unclear
    context = {
        "found": found,
        "state": state,
        "cursor": cursor,
        "counts": await count_exceptions(access.session),
    }
    return render_page(access, "dead_letters.html", "Failed jobs", context, refusal=refusal)


DEAD_LETTER_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (dead_letter_list, dead_letter_replay, dead_letter_discard)
