"""Complete raw responses, for connections whose request never reached the application."""

from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from foundation.errors import DomainError
from foundation.marks import N_
from foundation.web.errors import (
    AddressTooLong,
    BodyTooLarge,
    CodingUnsupported,
    HeadersTooLarge,
    MalformedRequest,
    RequestTimedOut,
    TooManyConnections,
    VersionUnsupported,
)
from foundation.web.headers import NO_STORE, SECURITY_HEADERS
from foundation.web.plain_page import HTML_TYPE, plain_page
from foundation.web.problems import PROBLEM_TYPE, problem_body

REFUSALS: Final[dict[int, DomainError]] = {
    int(error.status): error
    for error in (
        MalformedRequest(N_("The request is not valid HTTP/1.1.")),
        RequestTimedOut(N_("The request did not arrive in time. Send it again over a faster connection.")),
        BodyTooLarge(N_("The body is larger than any endpoint accepts. Send it in parts.")),
        AddressTooLong(N_("The address has too many characters. Shorten the query.")),
        HeadersTooLarge(N_("Send fewer or shorter headers and cookies.")),
        CodingUnsupported(N_("Send the body as it is, or chunked.")),
        TooManyConnections(N_("Try again in a few seconds.")),
        VersionUnsupported(N_("Use HTTP/1.1.")),
    )
}
_FIXED: Final = b"".join(b"%s: %s\r\n" % pair for pair in ((b"connection", b"close"), NO_STORE, *SECURITY_HEADERS))
_RETRY_AFTER: Final = b"retry-after: 5\r\n"


def refusal_answer(status: int, correlation: str, *, as_page: bool = False) -> bytes:
    """The bytes of a refusal. `as_page`: for a browser, which would show a problem as raw text."""
    error = REFUSALS[status]
    body = plain_page(error, correlation) if as_page else problem_body(error, correlation)
    kind = HTML_TYPE if as_page else PROBLEM_TYPE
    own = b"content-type: %s\r\ncontent-length: %d\r\nx-correlation-id: %s\r\n" % (
        kind.encode(), len(body), correlation.encode(),
    )  # fmt: skip
    return STATUS_LINE[status] + _FIXED + own + (_RETRY_AFTER if status == 503 else b"") + b"\r\n" + body
