"""Why a call to the outside was not made, or brought nothing."""

from http import HTTPStatus

from foundation.errors import DomainError, Unavailable


class OutboundRefused(DomainError):
    """Never allowed, however often it is tried: the address or the request itself is the reason."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "outbound-refused"
    title = "This address may not be called"


class OutboundUnavailable(Unavailable):
    """No answer this time. Whether a write took effect is unknown if it was `sent`. `retry_after` is in seconds."""

    code = "outbound-unavailable"
    title = "The other system does not answer"

    def __init__(self, detail: str, *, retry_after: float | None = None, sent: bool = True) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.retry_after = retry_after
        self.sent = sent


class AnswerTooLarge(OutboundUnavailable):
    """The answer was larger than allowed, and would be again. Asking for less at once may fare better."""


class OutboundHeld(OutboundUnavailable):
    """Not sent: nothing reached the other system. The work is put off; nothing was tried."""

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail, retry_after=retry_after, sent=False)


class OutboundThrottled(OutboundHeld):
    """The credential's own limit would be broken."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "outbound-throttled"
    title = "The other system's rate limit is reached"

    retry_after: float


class RetriesSpent(OutboundHeld):
    """It would be a retry, and the credential has used up its retries for now. First attempts go on."""

    code = "outbound-retries-spent"
    title = "The other system was asked again often enough"

    retry_after: float
