"""Refusals of requests that no handler can serve. Each error has one title, whichever layer detects it: the listener,
the boundary, the framework or a mounted handler.
"""

from foundation.errors import DomainError
from foundation.marks import N_


class MalformedRequest(DomainError):
    status = 400
    code = "malformed-request"
    title = N_("The request is not well formed")


class RequestIncomplete(DomainError):
    """The client closed the connection before its body was complete; only the access log records this response."""

    status = 400
    code = "body-incomplete"
    title = N_("The body is not complete")

    def __init__(self) -> None:
        super().__init__(N_("The connection was closed before the body was complete. Send it again."))


class MalformedBody(DomainError):
    status = 400
    code = "malformed-body"
    title = N_("The body cannot be read")


class MethodNotAllowed(DomainError):
    status = 405
    code = "method-not-allowed"
    title = N_("This method is not allowed here")


class RequestTimedOut(DomainError):
    status = 408
    code = "request-timed-out"
    title = N_("The request took too long to arrive")


class BodyTooLarge(DomainError):
    status = 413
    code = "body-too-large"
    title = N_("The body is too large")


class AddressTooLong(DomainError):
    status = 414
    code = "address-too-long"
    title = N_("The address is too long")


class UnsupportedBody(DomainError):
    status = 415
    code = "unsupported-body"
    title = N_("The body's format is not supported")


class HeadersTooLarge(DomainError):
    status = 431
    code = "headers-too-large"
    title = N_("The headers are too large")


class InternalError(DomainError):
    status = 500
    code = "internal-error"
    title = N_("Something went wrong")

    def __init__(self) -> None:
        super().__init__(
            N_("This is our fault, and the error was logged. If it happens again, contact us with the reference below.")
        )


class CodingUnsupported(DomainError):
    status = 501
    code = "transfer-coding-unsupported"
    title = N_("The transfer coding is not supported")


class TooManyConnections(DomainError):
    status = 503
    code = "too-many-connections"
    title = N_("Too many connections are open")


class VersionUnsupported(DomainError):
    status = 505
    code = "http-version-unsupported"
    title = N_("The version of HTTP is not supported")
