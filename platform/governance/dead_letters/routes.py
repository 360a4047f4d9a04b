"""The API of dead letters."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from foundation.jobs.dead_letters import discard_dead_letter, replay_dead_letter
from foundation.web.api import post
from governance.dead_letters.queries import find_letter, list_letters
from governance.dead_letters.schemas import DeadLetterPage, DeadLetterView
from governance.inputs import USUAL, check_limit
from governance.permissions import GovernancePermission
from tenants.routes import OpenAccess

_LETTERS: Final = {"permission": GovernancePermission.READ_DEAD_LETTERS}
_REPLAY_LETTER: Final = {"permission": GovernancePermission.REPLAY_DEAD_LETTER}
_DISCARD_LETTER: Final = {"permission": GovernancePermission.DISCARD_DEAD_LETTER}
_LETTER_ROOT: Final = "/api/v1/clients/{client:str}/dead-letters"
_LETTER: Final = f"{_LETTER_ROOT}/{{letter_id:uuid}}"
_LETTER_TAGS: Final = ["dead letters"]


@get(_LETTER_ROOT, opt=_LETTERS, tags=_LETTER_TAGS)
async def api_letters(
    access: OpenAccess,
    status: FromQuery[str] = "open",
    cursor: FromQuery[UUID | None] = None,
    limit: FromQuery[int] = USUAL,
) -> DeadLetterPage:
    """List dead letters, newest first. `status`: open, replayed or discarded."""
    return await list_letters(access.session, state=status, cursor=cursor, limit=check_limit(limit))


@post(f"{_LETTER}/replay", opt=_REPLAY_LETTER, tags=_LETTER_TAGS, status_code=202)
async def api_letter_replay(access: OpenAccess, letter_id: FromPath[UUID]) -> DeadLetterView:
    """Enqueue the job in its lane again, its attempts reset."""
    await replay_dead_letter(access.session, letter_id, now=access.now)
    return await find_letter(access.session, letter_id)


@post(f"{_LETTER}/discard", opt=_DISCARD_LETTER, tags=_LETTER_TAGS, status_code=200)
async def api_letter_discard(access: OpenAccess, letter_id: FromPath[UUID]) -> DeadLetterView:
    await discard_dead_letter(access.session, letter_id, now=access.now)
    return await find_letter(access.session, letter_id)


DEAD_LETTER_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (api_letters, api_letter_replay, api_letter_discard)
