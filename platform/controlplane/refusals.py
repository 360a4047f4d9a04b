"""Every refusal's answer: problem details for machines, a branded page or form for people. Never a stack trace."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect, Template

from branding.brand import Brand, house_brand
from branding.directory import BrandDirectory
from branding.shell import Page
from controlplane.edge import SignInRequired
from controlplane.once import AlreadyAnswered, replay
from foundation.clock import Clock
from foundation.errors import DomainError, Unavailable
from foundation.lanes.run import is_outage
from foundation.telemetry.correlation import current_correlation
from foundation.web.problems import PROBLEM_TYPE, problem_body

_log = structlog.get_logger(__name__)
AnyRequest = Request[Any, Any, Any]


class InternalError(DomainError):
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal-error"
    title = "Something went wrong here"


class FromFramework(DomainError):
    """What the framework itself refuses: no such address, a malformed body, a method that is not allowed."""

    code = "not-accepted"

    def __init__(self, error: HTTPException) -> None:
        super().__init__(_SENTENCES.get(error.status_code, error.detail))
        self.status = error.status_code  # type: ignore[misc]
        self.title = HTTPStatus(error.status_code).phrase  # type: ignore[misc]


_SENTENCES = {
    404: "Nothing with this address exists in this account.",
    405: "This address does not take that method.",
}


class Refusals:
    """Exception handlers, bound to what they need to show a page."""

    def __init__(self, brands: BrandDirectory, clock: Clock) -> None:
        self._brands = brands
        self._clock = clock
        self._house = house_brand()

    def handlers(self) -> dict[int | type[Exception], Any]:
        return {
            SignInRequired: self.sign_in,
            AlreadyAnswered: replay,
            DomainError: self.refuse,
            HTTPException: self.framework,
            Exception: self.fail,
        }

    def sign_in(self, request: AnyRequest, error: SignInRequired) -> Response[Any]:
        if _is_machine(request):
            return self.refuse(request, error)
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        place = f"/sign-in?next={quote(target, safe='')}"
        if request.headers.get("hx-request"):
            return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": place})
        return Redirect(place, status_code=303)

    def refuse(self, request: AnyRequest, error: DomainError) -> Response[Any]:
        if _is_machine(request):
            body = problem_body(error, current_correlation())
            return Response(body, status_code=int(error.status), media_type=PROBLEM_TYPE)
        page = Page(brand=self._brand(request), title=error.title, now=self._clock())
        context = {
            "page": page,
            "status": int(error.status),
            "title": error.title,
            "detail": error.detail,
            "reference": current_correlation(),
            "home_href": "/",
        }
        return Template("error.html", context=context, status_code=int(error.status), media_type=MediaType.HTML)

    def framework(self, request: AnyRequest, error: HTTPException) -> Response[Any]:
        return self.refuse(request, FromFramework(error))

    def fail(self, request: AnyRequest, error: Exception) -> Response[Any]:
        if is_outage(error):
            _log.warning("web.database_away", error=str(error))
            return self.refuse(request, Unavailable("The service is starting again. Try once more in a few seconds."))
        _log.error("web.failed", path=request.url.path, exc_info=error)
        sentence = "This is our fault, and it has been noted. Tell us the reference below if it happens again."
        return self.refuse(request, InternalError(sentence))

    def _brand(self, request: AnyRequest) -> Brand:
        return self._brands.remembered(request.headers.get("host", "")) or self._house


def _is_machine(request: AnyRequest) -> bool:
    return request.url.path.startswith("/api/") or "application/json" in request.headers.get("accept", "")
