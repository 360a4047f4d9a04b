"""Domain errors. The web layer renders each as RFC 9457 problem details."""

from http import HTTPStatus
from typing import ClassVar


class DomainError(Exception):
    """An expected error with a sentence for the user.

    `detail` describes what happened and what to do; it is shown to users, so it never contains secrets or other
    tenants' data.
    """

    status: ClassVar[int] = HTTPStatus.BAD_REQUEST
    code: ClassVar[str] = "bad-request"
    title: ClassVar[str] = "The request cannot be carried out"

    def __init__(self, detail: str, **extra: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class NotFound(DomainError):
    """Not found, also for objects of another account: their existence is not revealed."""

    status = HTTPStatus.NOT_FOUND
    code = "not-found"
    title = "There is nothing here"

    def __init__(self, detail: str = "Nothing with this address exists in this account.", **extra: object) -> None:
        super().__init__(detail, **extra)


class InvalidInput(DomainError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid-input"
    title = "The input is not valid"


class MalformedInput(InvalidInput):
    """A value of another form than declared: not of its type, or none of the choices. Refused before anything is done,
    so no response is stored for an idempotency key.
    """

    status = HTTPStatus.BAD_REQUEST


class Conflict(DomainError):
    status = HTTPStatus.CONFLICT
    code = "conflict"
    title = "The state has changed"


class Forbidden(DomainError):
    """Only for actions inside the caller's own account that the role does not allow."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    title = "Your role does not allow this"


class Unauthenticated(DomainError):
    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"
    title = "Sign in first"


class TooManyRequests(DomainError):
    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too-many-requests"
    title = "Too many requests"


class Unavailable(DomainError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    title = "A service we need does not answer"
