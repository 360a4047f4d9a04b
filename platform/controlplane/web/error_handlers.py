"""Error responses: problem details for machines, a branded page or form for members. Never a stack trace."""

import errno
import re
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect, Template

from branding.brand import Brand, default_brand
from branding.directory import BrandDirectory
from branding.errors import UnknownHost
from branding.shell import Page
from controlplane.local_index import LocalIndex
from controlplane.web.access import SignInRequired, session_cookie
from controlplane.web.default_view import find_default_view
from controlplane.web.idempotency import AlreadyAnswered, replay
from controlplane.web.impersonation import BANNER
from foundation.clock import Clock
from foundation.errors import DomainError, MalformedInput, NotFound, Unavailable
from foundation.i18n.localizer import translate
from foundation.jobs.batch import is_outage
from foundation.marks import N_
from foundation.telemetry.correlation import current_correlation
from foundation.text import mark_hidden
from foundation.web.boundary import header_text
from foundation.web.errors import BodyTooLarge, InternalError, MethodNotAllowed, RequestIncomplete
from foundation.web.fragments import PageInstead, page_behind
from foundation.web.negotiation import prefers_problem
from foundation.web.problems import PROBLEM_TYPE, problem_body
from tenants.auth.impersonation import ImpersonationEnded
from tenants.auth.redirects import safe_next
from tenants.auth.step_up import CONFIRM_PATH, StepUpRequired

_log = structlog.get_logger(__name__)
_BODY: Final = "data"
"""The framework's name for a body."""
_KINDS: Final = {
    "UUID": N_("“{name}” is not an ID."),
    "Expected `int": N_("“{name}” is not a whole number."),
    "Expected `bool": N_("“{name}” is not true or false."),
}
"""Expected kinds of values, by the framework's message."""
_NAMED_FIELD: Final = re.compile(r"(?:missing required|unknown) field `([^`]{1,100})`")
_NO_FILE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EISDIR, errno.ELOOP, errno.EINVAL})
AnyRequest = Request[Any, Any, Any]


class NotAccepted(DomainError):
    """Other client errors of the framework."""

    code = "not-accepted"

    def __init__(self, status: int) -> None:
        super().__init__(N_("The request cannot be read. Check its address, headers and body."))
        self.status = status  # type: ignore[misc]


def from_framework(error: HTTPException) -> DomainError:
    """The framework's error as one of ours, so that the same mistake has one title and one sentence."""
    if isinstance(error, ValidationException):
        return _invalid_input(error)
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return NotFound()
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return MethodNotAllowed(
                N_("This address does not support that method. The header Allow lists those it supports.")
            )
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return BodyTooLarge(N_("The body is larger than this endpoint accepts. Send less at a time."))
    return NotAccepted(error.status_code)


def _invalid_input(error: ValidationException) -> MalformedInput:
    """Lists each invalid value; the framework's text contains the address and names of our types."""
    found = [each for each in error.extra if isinstance(each, dict)] if isinstance(error.extra, list) else []
    fields = sorted({name for each in found if (name := _field_of(each))})
    if not fields:
        return MalformedInput(N_("The body or a value in the address is invalid."))
    if fields == [_BODY]:
        return MalformedInput(N_("The body is missing, or one of its fields is missing, unknown or invalid."))
    if len(fields) == 1 and "unknown field" in str(found[0].get("message", "")):
        return MalformedInput(N_("The body has no field “{name}”."), params={"name": fields[0]}, field=fields[0])
    if len(fields) == 1 and (wanted := _kind_of(found[0])):
        return MalformedInput(wanted, params={"name": fields[0]}, field=fields[0])
    named = ", ".join(f"“{field}”" for field in fields)
    problem = N_("{known} is missing or invalid.") if len(fields) == 1 else N_("{known} are missing or invalid.")
    return MalformedInput(problem, params={"known": named}, field=fields[0])


def _kind_of(entry: dict[str, Any]) -> str:
    """The sentence about the expected value of the query parameter or field; empty if unknown."""
    message = str(entry.get("message", "")) if entry.get("source") in ("query", "body") else ""
    return next((kind for text, kind in _KINDS.items() if text in message), "")


def _field_of(entry: dict[str, Any]) -> str:
    """Name of the invalid field; empty for false positives: because the API is documented, the framework treats unused
    path parts as parameters and lists them with each mistake.
    """
    name, message = str(entry.get("key", "")), str(entry.get("message", ""))
    if message == repr(name):  # a KeyError
        return ""
    named = _NAMED_FIELD.search(message) if name == _BODY or entry.get("source") == "body" else None
    return mark_hidden(named.group(1)) if named else name


class ErrorHandlers:
    """Exception handlers, bound to the dependencies of an error page."""

    def __init__(self, brands: BrandDirectory, clock: Clock, local: LocalIndex) -> None:
        self._brands = brands
        self._local = local
        self._clock = clock
        self._default_brand = default_brand()

    def handlers(self) -> dict[int | type[Exception], Any]:
        return {
            SignInRequired: self.sign_in,
            StepUpRequired: self.confirm,
            AlreadyAnswered: replay,
            PageInstead: self.show_page,
            DomainError: self.refuse,
            HTTPException: self.framework,
            Exception: self.fail,
        }

    def sign_in(self, request: AnyRequest, error: SignInRequired) -> Response[Any]:
        if _is_machine(request):
            return self.refuse(request, error)
        # A form or part of a page is requested by an open page: the browser may have dropped an expired cookie since.
        is_part = bool(header_text(request.scope, b"hx-request"))
        had_session = session_cookie(request) or is_part or request.method not in ("GET", "HEAD")
        expired = "&expired=1" if had_session else ""
        place = f"/sign-in?next={quote(safe_next(page_behind(request)), safe='')}{expired}"
        if is_part:
            return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": place})
        return Redirect(place, status_code=303)

    def confirm(self, request: AnyRequest, error: StepUpRequired) -> Response[Any]:
        """The page that asks for a proof, which then returns to the page of the action."""
        if _is_machine(request):
            return self.refuse(request, error)
        place = f"{CONFIRM_PATH}?next={quote(safe_next(page_behind(request)), safe='')}"
        if header_text(request.scope, b"hx-request"):
            return Response(None, status_code=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": place})
        return Redirect(place, status_code=303)

    def show_page(self, _: AnyRequest, found: PageInstead) -> Response[Any]:
        return Redirect(safe_next(found.address) or "/", status_code=303)

    def refuse(self, request: AnyRequest, error: DomainError) -> Response[Any]:
        headers = _headers(error)
        if _is_machine(request) or isinstance(error, RequestIncomplete):
            body = problem_body(error, current_correlation())
            return Response(body, status_code=int(error.status), media_type=PROBLEM_TYPE, headers=headers)
        if (view := find_default_view(request, error)) is not None:
            return view
        if isinstance(error, UnknownHost) and (links := self._local.links(request.scope)) is not None:
            page = Page(brand=self._default_brand, title=translate("This installation"), now=self._clock())
            return Template(
                "local_index.html",
                context={"page": page, "links": links, "systems": self._local.practice()},
                media_type=MediaType.HTML,
            )
        looks_as = None if isinstance(error, ImpersonationEnded) else request.scope["state"].get(BANNER)
        page = Page(brand=self._brand(request), title=error.heading, now=self._clock(), looks_as=looks_as)
        context = {
            "page": page,
            "status": int(error.status),
            "title": error.heading,
            "detail": error.detail,
            "reference": current_correlation(),
            "home_href": "/",
            "request_href": error.extra.get("request_access", ""),
        }
        return Template(
            "error.html", context=context, status_code=int(error.status), media_type=MediaType.HTML, headers=headers
        )

    def framework(self, request: AnyRequest, error: HTTPException) -> Response[Any]:
        if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return self.fail(request, error)
        answer = self.refuse(request, from_framework(error))
        allow = next((value for name, value in (error.headers or {}).items() if name.lower() == "allow"), "")
        if allow:
            answer.headers["Allow"] = ", ".join(sorted(allow.split(", ")))
        return answer

    def fail(self, request: AnyRequest, error: Exception) -> Response[Any]:
        if is_outage(error):
            _log.warning("web.database_away", error=str(error))
            return self.refuse(request, Unavailable(N_("The service is restarting. Try again in a few seconds.")))
        if _is_no_file(request, error):
            return self.refuse(request, NotFound())
        _log.error("web.failed", path=request.scope["path"], exc_info=error)
        return self.refuse(request, InternalError())

    def _brand(self, request: AnyRequest) -> Brand:
        return self._brands.remembered(header_text(request.scope, b"host")) or self._default_brand


def _is_no_file(request: AnyRequest, error: Exception) -> bool:
    """The framework handles a missing file, but not a name that is invalid as a file name."""
    cause = error.__cause__ or error
    return request.scope["path"].startswith("/static/") and isinstance(cause, OSError) and cause.errno in _NO_FILE


def _is_machine(request: AnyRequest) -> bool:
    """Whether the client expects JSON. Reads only the scope: also runs for requests that the request object cannot
    parse.
    """
    path = request.scope["path"]
    return path == "/api" or path.startswith("/api/") or prefers_problem(header_text(request.scope, b"accept"))


def _headers(error: DomainError) -> dict[str, str]:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(error.extra["retry_after"])} if "retry_after" in error.extra else {}
