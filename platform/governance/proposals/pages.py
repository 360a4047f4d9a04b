"""Pages of proposals: the form with its preview, and scheduled proposals."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from canonical.dimensions import LABELS
from foundation.database.savepoint import savepoint
from foundation.errors import DomainError
from foundation.i18n.localizer import current_localizer, translate
from foundation.web.actions import run_action
from foundation.web.list_view import list_view
from foundation.web.lists import LONGEST_TEXT, ListInput, ListParameters
from foundation.web.render import redirect_to
from governance.changes.propose import propose_change
from governance.permissions import GovernancePermission
from governance.proposals.form import Typed, TypedProposal, choose, fields_of, list_choices, read_form
from governance.proposals.lists import SCHEDULED
from governance.proposals.preview import preview_proposal
from governance.proposals.schedule import cancel_proposal, schedule_proposal
from governance.records.repository import is_record_known
from governance.records.titles import load_titles
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": GovernancePermission.READ_CHANGES}
_PROPOSE: Final = {"permission": GovernancePermission.PROPOSE_CHANGE}
_ROOT: Final = "/clients/{client:str}/proposals"
_NEW: Final = f"{_ROOT}/new"


@get(_ROOT, opt=_READ, dependencies=SCHEDULED.page_parameters, include_in_schema=False)
async def list_proposals_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    return await _list(access, listed)


@post(f"{_ROOT}/{{proposal_id:uuid}}/cancel", opt=_PROPOSE, include_in_schema=False)
async def cancel_proposal_page(access: OpenAccess, proposal_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, cancel_proposal(access.session, proposal_id, now=access.now))
    if refusal is not None:
        return await _list(access, SCHEDULED.parse({}), refusal)
    return redirect_to(access, "/proposals", done=translate("Cancelled"))


@get(_NEW, opt=_PROPOSE, include_in_schema=False)
async def show_proposal_form_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    return await _form(access, {name: str(value) for name, value in request.query_params.items()})


def build_proposal_pages(services: GovernanceServices) -> list[HTTPRouteHandler]:
    @post(_NEW, opt=_PROPOSE, include_in_schema=False)
    async def send_proposal_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        """Preview the proposal or, with `act=send`, send or schedule the previewed one."""
        typed = {name: str(value) for name, value in (await request.form()).items()}
        choice = choose(await list_choices(access.session), typed)
        if choice is None:
            return await _form(access, typed)
        try:
            async with savepoint(access.session):
                wanted = await read_form(access.session, choice, typed, currency=access.require_client().currency)
                if typed.get("act") == "send" and typed.get("previewed") == wanted.content:
                    return await _send(access, services, wanted)
                found = await preview_proposal(
                    access.session, services, key=wanted.key, value=wanted.value, note=wanted.note
                )
        except DomainError as refusal:
            return await _form(access, typed, refusal)
        is_known = await is_record_known(access.session, wanted.key)
        return await _form(access, typed, more={"preview": found, "wanted": wanted, "is_known": is_known})

    return [
        list_proposals_page, export_page(SCHEDULED, _ROOT, opt=_READ), show_proposal_form_page, send_proposal_page,
        cancel_proposal_page,
    ]  # fmt: skip


async def _send(access: Access, services: GovernanceServices, wanted: TypedProposal) -> Response[Any]:
    if wanted.effective_at is None:
        made = await propose_change(access.session, services, key=wanted.key, value=wanted.value, note=wanted.note)
        return redirect_to(access, f"/changes/{made}", done=translate("Proposed"))
    await schedule_proposal(
        access.session, key=wanted.key, value=wanted.value, note=wanted.note, effective_at=wanted.effective_at,
        now=access.now, new_id=services.new_id,
    )  # fmt: skip
    return redirect_to(access, "/proposals", done=translate("Scheduled"))


async def _form(
    access: Access, typed: Typed, refusal: DomainError | None = None, *, more: Mapping[str, object] | None = None
) -> Response[Any]:
    choices = await list_choices(access.session)
    choice = choose(choices, typed)
    typed = fields_of(typed)
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    errors = {} if refusal is None else {field: refusal.detail}
    context: dict[str, object] = {
        "choices": [(one.code, one.label) for one in choices],
        "choice": choice,
        "codes": [(code, code) for code in choice.element.codes] if choice else [],
        "typed": typed,
        "more_parts": any(
            typed.get(f"dim_{name}") or f"dim_{name}" in errors for name in (choice.parts[2:] if choice else ())
        ),
        "part_labels": {name: translate(label) for name, label in LABELS.items()},
        "titles": await load_titles(access.session, [typed.get("record_key", "")]),
        "errors": errors,
        "summary": [(field, refusal.detail)] if refusal is not None and field else [],
        "refused": refusal if not field else None,
        "note_limit": LONGEST_TEXT,
        "zone": str(current_localizer().zone),
        "preview": None,
        **(more or {}),
    }
    return render_page(access, "proposal_form.html", translate("Propose a value"), context, refusal=refusal)


async def _list(access: Access, listed: ListInput, refusal: DomainError | None = None) -> Response[Any]:
    found = await load_page(access, SCHEDULED, listed)
    context = {
        "listed": list_view(SCHEDULED, listed, found, f"{access.root}/proposals"),
        "titles": await load_titles(access.session, [one.record_key for one in found.items]),
    }
    return render_page(
        access, "proposals.html", translate("Scheduled values"), context, refusal=refusal or listed.refusal
    )
