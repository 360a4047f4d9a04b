"""Pages of dead letters: jobs that failed for good, replayed or discarded by people."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.jobs.dead_letters import discard_dead_letter, replay_dead_letter
from foundation.web.actions import run_action
from foundation.web.bulk_form import BulkView, bulk_form
from foundation.web.list_view import list_view
from foundation.web.lists import ListInput, ListParameters
from foundation.web.render import redirect_to
from governance.dead_letters.lists import DEAD_LETTERS
from governance.dead_letters.routes import BULK
from governance.dead_letters.schemas import DeadLetterView
from governance.exception_queue.queries import count_exceptions
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_LETTERS: Final = {"permission": GovernancePermission.READ_DEAD_LETTERS}
_REPLAY_LETTER: Final = {"permission": GovernancePermission.REPLAY_DEAD_LETTER}
_DISCARD_LETTER: Final = {"permission": GovernancePermission.DISCARD_DEAD_LETTER}
AnyRequest = Request[Any, Any, Any]
JobTitle = Callable[[str], str]
OpenJobTitle = NamedDependency[JobTitle]
"""Handler parameter `job_title`, filled by `provide_job_title`: the title of a job type of any room."""
_LETTER: Final = "/clients/{client:str}/dead-letters"


def provide_job_title(job_title: JobTitle) -> Provide:
    """Provider of the application's dependency `job_title`."""
    return Provide(lambda: job_title, sync_to_thread=False)


@get(_LETTER, opt=_LETTERS, dependencies=DEAD_LETTERS.page_parameters, include_in_schema=False)
async def list_dead_letters_page(access: OpenAccess, job_title: OpenJobTitle, listed: ListParameters) -> Response[Any]:
    return await _list(access, job_title, listed)


@post(_LETTER, opt=_LETTERS, dependencies=DEAD_LETTERS.page_parameters, include_in_schema=False, status_code=200)
async def replay_or_discard_dead_letters_page(
    request: AnyRequest, access: OpenAccess, job_title: OpenJobTitle, listed: ListParameters
) -> Response[Any]:
    """Act on the selected jobs; the response is the list with the result of each."""
    form = await request.form()
    act, permission = BULK.get(str(form.get("action", "")), (None, None))
    if permission is not None:
        access.principal.require(permission)
    names = {str(one.id): f"{job_title(one.kind)}, {one.key}" for one in await _items(access, listed)}
    bulk = await bulk_form(access.session, form, lambda: act and partial(_run, access, act), names)
    return await _list(access, job_title, listed, bulk=bulk)


@post(f"{_LETTER}/{{letter_id:uuid}}/replay", opt=_REPLAY_LETTER, include_in_schema=False)
async def replay_dead_letter_page(
    access: OpenAccess, job_title: OpenJobTitle, letter_id: FromPath[UUID]
) -> Response[Any]:
    replay = replay_dead_letter(access.session, letter_id, now=access.now)
    return await _act(access, job_title, replay, translate("Replayed"))


@post(f"{_LETTER}/{{letter_id:uuid}}/discard", opt=_DISCARD_LETTER, include_in_schema=False)
async def discard_dead_letter_page(
    access: OpenAccess, job_title: OpenJobTitle, letter_id: FromPath[UUID]
) -> Response[Any]:
    discard = discard_dead_letter(access.session, letter_id, now=access.now)
    return await _act(access, job_title, discard, translate("Discarded"))


async def _run(access: Access, act: Callable[..., Awaitable[None]], one: UUID) -> None:
    await act(access.session, one, now=access.now)


async def _act(access: Access, job_title: JobTitle, act: Awaitable[None], done: str) -> Response[Any]:
    refusal = await run_action(access.session, act)
    if refusal is None:
        return redirect_to(access, "/dead-letters", done=done)
    return await _list(access, job_title, DEAD_LETTERS.parse({}), refusal=refusal)


async def _items(access: Access, listed: ListInput) -> Sequence[DeadLetterView]:
    return (await load_page(access, DEAD_LETTERS, listed)).items


async def _list(
    access: Access,
    job_title: JobTitle,
    listed: ListInput,
    *,
    refusal: DomainError | None = None,
    bulk: BulkView | None = None,
) -> Response[Any]:
    found = await load_page(access, DEAD_LETTERS, listed)
    context = {
        "listed": list_view(DEAD_LETTERS, listed, found, f"{access.root}/dead-letters"),
        "job_title": job_title,
        "counts": await count_exceptions(access.session),
        "bulk": bulk,
        "refused": refusal,
    }
    refusal = refusal or listed.refusal or (bulk.refusal if bulk else None)
    return render_page(access, "dead_letters.html", translate("Failed jobs"), context, refusal=refusal)


LETTER_EXPORT: Final = export_page(DEAD_LETTERS, _LETTER, opt=_LETTERS)
DEAD_LETTER_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_dead_letters_page,
    LETTER_EXPORT,
    replay_or_discard_dead_letters_page,
    replay_dead_letter_page,
    discard_dead_letter_page,
)
