"""Meaning of HTTP statuses for writes and readings; the same for every system behind the port."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from connectors import messages
from connectors.ports import ChannelWrite, HttpResponse, SystemUnavailable, WriteResult, WriteState
from foundation.outbound.headers import parse_retry_after

_SIGN_IN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_ELSEWHERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE})
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Delay in seconds, capped; a date counts only relative to the response's own Date header."""
    return parse_retry_after(headers)


def failed_writes(response: HttpResponse, writes: Sequence[ChannelWrite]) -> list[WriteResult] | None:
    """One result per write for a failed request; None when the outcome is in the response body."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    state, wait, whole = WriteState.REFUSED, None, False
    uncertain = status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if status in _SIGN_IN:
        # The value may be valid: after a member corrects the credential, the same write succeeds.
        state, detail = WriteState.RETRY, messages.CHANNEL_SIGN_IN_REFUSED.write(status=str(status))
    elif status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        state, detail, wait = (
            WriteState.RETRY,
            messages.CHANNEL_ANSWERED.write(status=str(status)),
            retry_after(response.headers),
        )
        # A server that fails on one value does so on every attempt; the others need not wait for it.
        whole = status == HTTPStatus.INTERNAL_SERVER_ERROR
    elif status in _ELSEWHERE or status < HTTPStatus.BAD_REQUEST:
        # A wrong address is no reason to refuse the value either.
        state, detail = WriteState.RETRY, messages.WRONG_ADDRESS.write(status=str(status))
    else:
        detail, whole = messages.REQUEST_REFUSED.write(status=str(status)), True
    return [WriteResult(write.key, state, detail, wait, whole, uncertain) for write in writes]


def check_readable(response: HttpResponse, system: str) -> None:
    """Raises `SystemUnavailable` unless the response is a success."""
    status = response.status_code
    if 200 <= status < 300:
        return
    if status in _SIGN_IN:
        raise SystemUnavailable(messages.SIGN_IN_REFUSED.write(system=system, status=str(status)), is_sign_in=True)
    other = _ELSEWHERE | _PASSING
    permanent = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in other
    raise SystemUnavailable(
        messages.SYSTEM_ANSWERED.write(system=system, status=str(status)),
        retry_after=retry_after(response.headers),
        whole=permanent or status == HTTPStatus.INTERNAL_SERVER_ERROR,
        permanent=permanent,
    )
