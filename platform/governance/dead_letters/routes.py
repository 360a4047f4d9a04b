"""The API of dead letters."""

from typing import Final, Literal
from uuid import UUID

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.jobs import dead_letters
from foundation.web.actions import BulkIds, BulkResult, bulk_action
from foundation.web.api import post
from foundation.web.requests import RequestBody
from governance.dead_letters.lists import DEAD_LETTERS
from governance.dead_letters.queries import find_letter
from governance.dead_letters.schemas import DeadLetterView
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_LETTERS: Final = {"permission": GovernancePermission.READ_DEAD_LETTERS}
_REPLAY_LETTER: Final = {"permission": GovernancePermission.REPLAY_DEAD_LETTER}
_DISCARD_LETTER: Final = {"permission": GovernancePermission.DISCARD_DEAD_LETTER}
_LETTER_ROOT: Final = "/api/v1/clients/{client:str}/dead-letters"
_LETTER: Final = f"{_LETTER_ROOT}/{{letter_id:uuid}}"
_LETTER_TAGS: Final = ["dead letters"]


LETTER_LIST: Final = list_route(
    DEAD_LETTERS, _LETTER_ROOT, opt=_LETTERS, tags=_LETTER_TAGS, about="List dead letters, newest first."
)
BULK: Final = {
    "replay": (dead_letters.replay_dead_letter, GovernancePermission.REPLAY_DEAD_LETTER),
    "discard": (dead_letters.discard_dead_letter, GovernancePermission.DISCARD_DEAD_LETTER),
}
"""Acts on several dead letters, each with the permission of the single act."""


class DeadLetterBulk(RequestBody, frozen=True):
    """Up to 200 dead letters and what to do with them."""

    action: Literal["replay", "discard"]
    ids: BulkIds


@post(f"{_LETTER_ROOT}/bulk", opt=_LETTERS, tags=_LETTER_TAGS, status_code=200)
async def replay_or_discard_dead_letters(access: OpenAccess, data: JSONBody[DeadLetterBulk]) -> BulkResult:
    """Replay or discard up to 200 dead letters. Each has its own result; a refusal does not stop the others."""
    act, permission = BULK[data.action]
    access.principal.require(permission)
    return await bulk_action(access.session, data.ids, lambda one: act(access.session, one, now=access.now))


@post(f"{_LETTER}/replay", opt=_REPLAY_LETTER, tags=_LETTER_TAGS, status_code=202)
async def replay_dead_letter(access: OpenAccess, letter_id: FromPath[UUID]) -> DeadLetterView:
    """Enqueue the job again in its lane, with its attempts reset."""
    await dead_letters.replay_dead_letter(access.session, letter_id, now=access.now)
    return await find_letter(access.session, letter_id)


@post(f"{_LETTER}/discard", opt=_DISCARD_LETTER, tags=_LETTER_TAGS, status_code=200)
async def discard_dead_letter(access: OpenAccess, letter_id: FromPath[UUID]) -> DeadLetterView:
    """Discard the job. It does not run again."""
    await dead_letters.discard_dead_letter(access.session, letter_id, now=access.now)
    return await find_letter(access.session, letter_id)


DEAD_LETTER_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    LETTER_LIST,
    replay_or_discard_dead_letters,
    replay_dead_letter,
    discard_dead_letter,
)
