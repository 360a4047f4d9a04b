"""Logging: one JSON object per line in production, readable columns at a terminal. Both go to standard output.

The standard library's loggers (uvicorn, dramatiq, alembic) have the same form and the same redaction.
"""

import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from foundation.telemetry.correlation import current_correlation
from foundation.telemetry.redaction import redact
from foundation.text import clean_foreign_text, clean_foreign_values, escape_hidden, mark_hidden

_OF_LINES = frozenset({"exception", "stack"})
_NOISY = {"httpcore2": logging.WARNING, "httpx2": logging.WARNING, "asyncio": logging.WARNING}


def configure_logging(*, json: bool, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up this process's logging; the last call takes effect."""
    output = stream or sys.stdout
    number = logging.getLevelNamesMapping()[level.upper()]
    # Plain tracebacks: the pretty ones print local variables, including secrets.
    console = structlog.dev.ConsoleRenderer(colors=output.isatty(), exception_formatter=structlog.dev.plain_traceback)
    render: list[Processor] = [structlog.processors.format_exc_info, redacted]
    render += [_render_json] if json else [marked, console]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        with_correlation,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Lines(output))),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _with_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name, least in _NOISY.items():
        logging.getLogger(name).setLevel(max(least, number))


def with_correlation(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if correlation := current_correlation():
        event.setdefault("correlation", correlation)
    return event


def redacted(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    kept: EventDict = redact(event)
    return kept


def marked(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mark hidden characters for a terminal, which would interpret escape sequences and direction characters in other
    systems' text.
    """
    return {name: _marked(value, lines=name in _OF_LINES) for name, value in event.items()}


def _marked(value: object, *, lines: bool = False) -> object:
    if isinstance(value, str):
        return mark_hidden(value, lines=lines)
    if isinstance(value, dict):
        return {_marked(key): _marked(each) for key, each in value.items()}
    return [_marked(each) for each in value] if isinstance(value, list | tuple | set | frozenset) else value


def _with_logger_name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    try:
        line = msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # a lone surrogate in another system's text
        line = msgspec.json.encode(clean_foreign_values(event), enc_hook=repr).decode()
    return escape_hidden(line)


class _Lines:
    """A stream that writes a line and its end in one call, so that lines of several threads do not mix."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self.flush: Callable[[], Any] = output.flush

    def write(self, text: str) -> int:
        line = clean_foreign_text(text)
        return self._output.write(line if line.endswith("\n") else line + "\n")
