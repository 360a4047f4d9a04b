"""The API of control reviews."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.api import post, put
from governance.control_reviews import review
from governance.control_reviews.lists import REVIEW_LIST
from governance.control_reviews.permissions import ReviewPermission
from governance.control_reviews.queries import load_review, read_reviews
from governance.control_reviews.schemas import ClientReviews, ReviewScheduleInput, ReviewView, SignInput
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": ReviewPermission.READ_REVIEWS}
_SCHEDULE: Final = {"permission": ReviewPermission.SCHEDULE_REVIEWS}
_SIGN: Final = {"permission": ReviewPermission.SIGN_REVIEWS}
_ROOT: Final = "/api/v1/clients/{client:str}/control-reviews"
_ONE: Final = f"{_ROOT}/{{review_id:uuid}}"
_TAGS: Final = ["control reviews"]

CONTROL_REVIEW_LIST: Final = list_route(
    REVIEW_LIST,
    "/api/v1/control-reviews",
    opt={**_READ, "fleet": True},
    tags=_TAGS,
    about="List the control reviews of all clients: those that are to be signed, overdue ones first.",
)


@get(_ROOT, opt=_READ, tags=_TAGS)
async def show_client_reviews(access: OpenAccess) -> ClientReviews:
    """The client's schedule of control reviews, and its newest 50 reviews with their evidence."""
    access.require_client()
    return await read_reviews(access.session, today=access.now.date())


@put(f"{_ROOT}/schedule", opt=_SCHEDULE, tags=_TAGS, status_code=204)
async def set_review_schedule(access: OpenAccess, data: JSONBody[ReviewScheduleInput]) -> None:
    """Set how often the client's controls are reviewed, from which day on, and within how many days each review is to
    be signed.
    """
    await review.set_schedule(access.session, data, now=access.now)


@post(f"{_ROOT}/evidence", opt=_SCHEDULE, tags=_TAGS, status_code=202)
async def request_review_evidence(access: OpenAccess) -> None:
    """Have the evidence of open reviews collected again. A job does it."""
    await review.request_evidence(access.session, now=access.now)


@get(_ONE, opt=_READ, tags=_TAGS)
async def show_review(access: OpenAccess, review_id: FromPath[UUID]) -> ReviewView:
    """A control review with its evidence."""
    return await load_review(access.session, review_id, today=access.now.date())


@post(f"{_ONE}/signature", opt=_SIGN, tags=_TAGS, status_code=204)
async def sign_client_review(access: OpenAccess, review_id: FromPath[UUID], data: JSONBody[SignInput]) -> None:
    """Sign a control review: its evidence is fixed. A note is required if a control is not met."""
    await review.sign_review(access.session, review_id, data, now=access.now)


REVIEW_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    CONTROL_REVIEW_LIST, show_client_reviews, set_review_schedule, request_review_evidence, show_review,
    sign_client_review,
)  # fmt: skip
