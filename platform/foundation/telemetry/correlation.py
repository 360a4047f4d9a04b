"""One id from the webhook to the read-back, through every transaction, job, log line and outbound call."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("correlation", default="")


def current_correlation() -> str:
    return _current.get()


@contextmanager
def correlated(correlation: str) -> Iterator[None]:
    token = _current.set(correlation)
    try:
        yield
    finally:
        _current.reset(token)
