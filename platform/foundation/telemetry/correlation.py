"""Correlation id from the webhook to the read-back, through every transaction, job, log line and outbound call."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token

_current: ContextVar[str] = ContextVar("correlation", default="")


def current_correlation() -> str:
    return _current.get()


def begin_correlation(correlation: str) -> Token[str]:
    """Set the correlation id, for the hot path, where a context manager costs too much; pair with `end_correlation` in
    a `finally`.
    """
    return _current.set(correlation)


def end_correlation(token: Token[str]) -> None:
    _current.reset(token)


@contextmanager
def correlated(correlation: str) -> Iterator[None]:
    token = _current.set(correlation)
    try:
        yield
    finally:
        _current.reset(token)
