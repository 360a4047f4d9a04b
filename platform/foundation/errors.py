"""Domain errors. The web layer renders each as RFC 9457 problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from foundation.i18n.localizer import ENGLISH, current_localizer
from foundation.i18n.messages import MessageText, write_refusal
from foundation.marks import N_


class DomainError(Exception):
    """An expected error with a sentence for the user.

    `detail` describes what happened and what to do; it is shown to users, so it never contains secrets or other
    tenants' data. It is written in English, marked with `N_`, with named placeholders for `params`: a number that is
    counted is an int, one that names something (a port, a status) a str, and a part of the sentence a `Phrase`. A
    `MessageText` has its own parameters. A job stopped by the error stores `reason`.
    """

    status: ClassVar[int] = HTTPStatus.BAD_REQUEST
    code: ClassVar[str] = "bad-request"
    title: ClassVar[str] = N_("The request cannot be processed")

    def __init__(self, detail: str, *, params: Mapping[str, object] | None = None, **extra: object) -> None:
        self._detail = detail
        self._source = detail.source if isinstance(detail, MessageText) else detail
        self.params = dict(detail.message.params if isinstance(detail, MessageText) else params or {})
        super().__init__(ENGLISH.fill(self._source, self.params))
        self.extra = extra

    @property
    def reason(self) -> MessageText:
        """The message stored by a job that the error stops: the one given as `detail`, else the sentence with
        parameters.
        """
        if isinstance(self._detail, MessageText):
            return self._detail
        return write_refusal(self.code, self._source, self.params, str(self))

    @property
    def detail(self) -> str:
        """The sentence in the reader's language."""
        return current_localizer().fill(self._source, self.params)

    @property
    def heading(self) -> str:
        """The title in the reader's language."""
        return current_localizer().text(self.title)


class NotFound(DomainError):
    """Not found, also for objects of another account: their existence is not revealed."""

    status = HTTPStatus.NOT_FOUND
    code = "not-found"
    title = N_("Not found")

    def __init__(
        self,
        detail: str = N_("Nothing in this account has this address."),
        *,
        params: Mapping[str, object] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(detail, params=params, **extra)


class InvalidInput(DomainError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid-input"
    title = N_("The input is not valid")


class MalformedInput(InvalidInput):
    """A value of another form than declared: not of its type, or none of the choices. Refused before anything is done,
    so no response is stored for an idempotency key.
    """

    status = HTTPStatus.BAD_REQUEST


class Conflict(DomainError):
    status = HTTPStatus.CONFLICT
    code = "conflict"
    title = N_("The state has changed")


class Forbidden(DomainError):
    """Only for actions inside the caller's own account that the role does not allow."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"
    title = N_("Your role does not allow this")


class Unauthenticated(DomainError):
    status = HTTPStatus.UNAUTHORIZED
    code = "unauthenticated"
    title = N_("Sign in first")


class TooManyRequests(DomainError):
    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too-many-requests"
    title = N_("Too many requests")


class Unavailable(DomainError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    title = N_("A required service is not responding")
