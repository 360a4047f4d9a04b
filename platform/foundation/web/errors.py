"""Refusals of requests that no handler can serve. Each error has one title, whichever layer detects it: the listener,
the boundary, the framework or a mounted handler.
"""

from foundation.errors import DomainError


class MalformedRequest(DomainError):
    status = 400
    code = "malformed-request"
    title = "The request is not well formed"


class RequestIncomplete(DomainError):
    """The client closed the connection before its body was complete; only the access log records this response."""

    status = 400
    code = "body-incomplete"
    title = "The body is not complete"

    def __init__(self) -> None:
        super().__init__("The connection was closed before the body was complete. Send it again.")


class MalformedBody(DomainError):
    status = 400
    code = "malformed-body"
    title = "The body cannot be read"


class MethodNotAllowed(DomainError):
    status = 405
    code = "method-not-allowed"
    title = "This method is not allowed here"


class RequestTimedOut(DomainError):
    status = 408
    code = "request-timed-out"
    title = "The request took too long to arrive"


class BodyTooLarge(DomainError):
    status = 413
    code = "body-too-large"
    title = "The body is too large"


class AddressTooLong(DomainError):
    status = 414
    code = "address-too-long"
    title = "The address is too long"


class UnsupportedBody(DomainError):
    status = 415
    code = "unsupported-body"
    title = "The body's format is not supported"


class HeadersTooLarge(DomainError):
    status = 431
    code = "headers-too-large"
    title = "The headers are too large"


class InternalError(DomainError):
    status = 500
    code = "internal-error"
    title = "Something went wrong here"

    def __init__(self) -> None:
        super().__init__("This is our fault, and it has been noted. Tell us the reference below if it happens again.")


class CodingUnsupported(DomainError):
    status = 501
    code = "transfer-coding-unsupported"
    title = "The transfer coding is not supported"


class TooManyConnections(DomainError):
    status = 503
    code = "too-many-connections"
    title = "Too many connections are open"


class VersionUnsupported(DomainError):
    status = 505
    code = "http-version-unsupported"
    title = "The version of HTTP is not supported"
