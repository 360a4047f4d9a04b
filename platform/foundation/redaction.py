"""Redaction of values that are hidden from the reader of the current request.

The reader is known only once the request is authenticated, possibly in a task of its own. So each request begins with
an empty `_Reader`, which all its tasks share.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

Redaction = Callable[[Any], Any]


@dataclass(slots=True)
class _Reader:
    """`hidden`: codes of elements. `redaction` returns content without their values; None where nothing is hidden."""

    hidden: frozenset[str] = frozenset()
    redaction: Redaction | None = None


_READER: ContextVar[_Reader | None] = ContextVar("redaction", default=None)


@contextmanager
def for_one_reader() -> Iterator[None]:
    """Context of one request, for whose reader `hide` sets the hidden values."""
    token = _READER.set(_Reader())
    try:
        yield
    finally:
        _READER.reset(token)


def hide(hidden: frozenset[str], redaction: Redaction) -> None:
    """Hide these elements' values for the rest of the request.

    Raises LookupError outside a request, where there is no reader.
    """
    reader = _READER.get()
    if reader is None:
        if hidden:
            raise LookupError("values are hidden within a request only")
        return
    reader.hidden, reader.redaction = hidden, redaction if hidden else None


def hidden_elements_now() -> frozenset[str]:
    """Elements whose values are hidden from the reader of the current request; empty in jobs and commands."""
    reader = _READER.get()
    return frozenset() if reader is None else reader.hidden


def redact(content: Any) -> Any:
    """The content as the reader of the current request may see it."""
    reader = _READER.get()
    return content if reader is None or reader.redaction is None else reader.redaction(content)
