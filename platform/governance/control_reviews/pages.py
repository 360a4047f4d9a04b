"""Pages of control reviews: of all clients, of one client, and of one review."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.csv_export import CSV_TYPE, write_lines
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters, is_day
from foundation.web.render import redirect_to
from governance.control_reviews import review
from governance.control_reviews.lists import REVIEW_LIST
from governance.control_reviews.permissions import ReviewPermission
from governance.control_reviews.queries import load_review, read_reviews
from governance.control_reviews.schemas import ReviewScheduleInput, SignInput
from governance.control_reviews.states import ReviewCadence, ReviewControl
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": ReviewPermission.READ_REVIEWS}
_FLEET: Final = {**_READ, "fleet": True}
_SCHEDULE: Final = {"permission": ReviewPermission.SCHEDULE_REVIEWS}
_SIGN: Final = {"permission": ReviewPermission.SIGN_REVIEWS}
_ALL: Final = "/control-reviews"
_ROOT: Final = "/clients/{client:str}/control-reviews"
_ONE: Final = f"{_ROOT}/{{review_id:uuid}}"
_COLUMNS: Final = ("control", "label", "is_met", "detail", "values")


@get(_ALL, name="fleet-control-reviews", opt=_FLEET, dependencies=REVIEW_LIST.page_parameters, include_in_schema=False)
async def list_reviews_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    found = await load_page(access, REVIEW_LIST, listed)
    context = {
        "listed": list_view(REVIEW_LIST, listed, found, _ALL),
        "controls": {str(one): translate(one.label) for one in ReviewControl},
    }
    return render_page(access, "fleet_control_reviews.html", translate("Control reviews"), context,
                       refusal=listed.refusal)  # fmt: skip


@get(_ROOT, name="control-reviews", opt=_READ, include_in_schema=False)
async def show_client_reviews_page(access: OpenAccess) -> Response[Any]:
    return await _reviews(access)


@post(f"{_ROOT}/schedule", opt=_SCHEDULE, include_in_schema=False)
async def set_review_schedule_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    typed = {name: str(value) for name, value in (await request.form()).items()}
    try:
        wanted = _schedule(typed)
    except InvalidInput as wrong:
        return await _reviews(access, wrong, typed)
    refusal = await run_action(access.session, review.set_schedule(access.session, wanted, now=access.now))
    if refusal is not None:
        return await _reviews(access, refusal, typed)
    return redirect_to(access, _ALL, done=translate("Schedule saved"))


@post(f"{_ROOT}/evidence", opt=_SCHEDULE, include_in_schema=False)
async def request_review_evidence_page(access: OpenAccess) -> Response[Any]:
    await review.request_evidence(access.session, now=access.now)
    return redirect_to(access, _ALL, done=translate("The evidence is being collected"))


@get(_ONE, opt=_READ, include_in_schema=False)
async def show_review_page(access: OpenAccess, review_id: FromPath[UUID]) -> Response[Any]:
    return await _review(access, review_id)


@get(f"{_ONE}/evidence.csv", opt=_READ, include_in_schema=False)
async def export_review(access: OpenAccess, review_id: FromPath[UUID]) -> Response[bytes]:
    found = await load_review(access.session, review_id, today=access.now.date())
    rows = [[getattr(one, name) for name in _COLUMNS] for one in found.findings]
    name = f"{access.require_client().slug}-control-review-{found.scheduled_on.isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(write_lines([_COLUMNS, *rows]), media_type=CSV_TYPE, headers=headers)


@post(f"{_ONE}/signature", opt=_SIGN, include_in_schema=False)
async def sign_review_page(request: AnyRequest, access: OpenAccess, review_id: FromPath[UUID]) -> Response[Any]:
    form = await request.form()
    note, seen = str(form.get("note", "")), str(form.get("collected_at", ""))
    try:
        wanted = SignInput(note=note, collected_at=msgspec.convert(seen, datetime) if seen else None)
    except msgspec.ValidationError:
        return await _review(access, review_id, InvalidInput(N_("“{text}” is not a time."), params={"text": seen[:40]}))
    refusal = await run_action(access.session, review.sign_review(access.session, review_id, wanted, now=access.now))
    if refusal is not None:
        return await _review(access, review_id, refusal, note)
    return redirect_to(access, f"{_ALL}/{review_id}", done=translate("Control review signed"))


REVIEW_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_reviews_page, export_page(REVIEW_LIST, _ALL, opt=_FLEET), show_client_reviews_page, set_review_schedule_page,
    request_review_evidence_page, show_review_page, export_review, sign_review_page,
)  # fmt: skip


def _schedule(typed: Mapping[str, str]) -> ReviewScheduleInput:
    """Raises InvalidInput."""
    cadence, day, days = typed.get("cadence", ""), typed.get("starts_on", "").strip(), typed.get("days", "14").strip()
    if day and not is_day(day):
        raise InvalidInput(N_("Enter a day, such as 2026-11-29."), field="starts_on")
    if not (days.isascii() and days.isdigit() and len(days) <= 4 and 1 <= int(days) <= 90):
        raise InvalidInput(N_("Enter 1 to 90 days."), field="days")
    return ReviewScheduleInput(
        cadence=ReviewCadence.of(cadence) if cadence in set(ReviewCadence) else None,
        starts_on=date.fromisoformat(day) if day else None, days=int(days),
    )  # fmt: skip


async def _reviews(
    access: Access, refusal: DomainError | None = None, typed: Mapping[str, str] | None = None
) -> Response[Any]:
    found = await read_reviews(access.session, today=access.now.date())
    schedule = found.schedule
    shown = typed or {
        "cadence": str(schedule.cadence or "") if schedule else str(ReviewCadence.QUARTERLY),
        "starts_on": (schedule.starts_on if schedule else access.now.date()).isoformat(),
        "days": str(schedule.days if schedule else 14),
    }
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "found": found, "typed": shown, "errors": {field: refusal.detail} if refusal is not None else {},
        "cadences": [("", translate("No further reviews")), *((str(one), translate(one.label)) for one in
                     ReviewCadence)],
    }  # fmt: skip
    return render_page(access, "control_reviews.html", translate("Control reviews"), context, refusal=refusal)


async def _review(access: Access, review_id: UUID, refusal: DomainError | None = None, note: str = "") -> Response[Any]:
    found = await load_review(access.session, review_id, today=access.now.date())
    context = {"found": found, "note": note, "refused": refusal, "seen": found.collected_at.isoformat()}
    return render_page(access, "control_review.html", translate("Control review"), context, refusal=refusal)
