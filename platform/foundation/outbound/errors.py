"""Errors of outbound calls that were not sent or had no usable response."""

from http import HTTPStatus

from foundation.errors import DomainError, Unavailable
from foundation.i18n.messages import MessageText
from foundation.marks import N_


class OutboundRefused(DomainError):
    """Never allowed, on any attempt: the address or the request itself is the reason."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "outbound-refused"
    title = N_("This address may not be called")

    def __init__(self, detail: MessageText) -> None:
        super().__init__(detail)


class OutboundUnavailable(Unavailable):
    """No usable response. If `sent`, a write may or may not have taken effect. `retry_after` is in seconds."""

    code = "outbound-unavailable"
    title = N_("The other system is not responding")

    def __init__(self, detail: MessageText, *, retry_after: float | None = None, sent: bool = True) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.retry_after = retry_after
        self.sent = sent


class AnswerTooLarge(OutboundUnavailable):
    """The response was larger than allowed; the same request would fail again. A smaller page may succeed."""


class OutboundHeld(OutboundUnavailable):
    """Not sent: nothing reached the other system. The job is deferred without counting an attempt."""

    def __init__(self, detail: MessageText, *, retry_after: float | None = None) -> None:
        super().__init__(detail, retry_after=retry_after, sent=False)


class OutboundThrottled(OutboundHeld):
    """The credential's own rate limit would be exceeded."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "outbound-throttled"
    title = N_("The other system's rate limit is reached")

    retry_after: float


class RetriesSpent(OutboundHeld):
    """The call would be a retry, and the credential's retry budget is used up. First attempts continue."""

    code = "outbound-retries-spent"
    title = N_("Retry budget used up")

    retry_after: float
