"""Calls to adapters. A defect of an adapter counts as an unreadable response: health is recorded, the job is
retried.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from canonical.keys import ElementKey
from connectors import messages
from connectors.ports import (
    ChannelAdapter,
    ChannelReading,
    ChannelWrite,
    ConnectionConfig,
    HttpCaller,
    HttpResponse,
    PayloadInvalid,
    SystemUnavailable,
    WriteResult,
)
from foundation.outbound.errors import OutboundRefused, OutboundUnavailable

Answer = TypeVar("Answer")
_log = structlog.get_logger(__name__)
_DECLARED = (SystemUnavailable, OutboundUnavailable, OutboundRefused, PayloadInvalid)


@dataclass(slots=True)
class CallFacts:
    """Facts about the requests of one adapter's call: the last status, and the total size of their bodies. `has_sent`:
    a request was sent, so it may have had an effect.
    """

    status_code: int | None = None
    bytes: int = 0
    has_sent: bool = False
    started: float = field(default_factory=time.perf_counter)

    @property
    def duration_ms(self) -> int:
        return round((time.perf_counter() - self.started) * 1000)


class CallRecorder:
    """An HTTP caller that records facts of its requests, also of those for retries."""

    def __init__(self, http: HttpCaller, facts: CallFacts | None = None) -> None:
        self.facts = CallFacts() if facts is None else facts
        self._http = http

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        try:
            response = await self._http.request(method, url, headers=headers, content=content)
        except OutboundUnavailable as error:
            self.facts.status_code = None
            self.facts.has_sent |= error.sent
            raise
        self.facts.status_code, self.facts.has_sent = response.status_code, True
        self.facts.bytes += len(content or b"")
        return response

    def again(self) -> "CallRecorder":
        """A recorder whose requests spend the retry budget, if the caller has one."""
        again: Callable[[], HttpCaller] | None = getattr(self._http, "again", None)
        return self if again is None else CallRecorder(again(), self.facts)


async def call_adapter(call: Awaitable[Answer]) -> Answer:
    """Raises the errors declared by the port, and PayloadInvalid for any other error of the adapter.

    The text contains only the error's type: its message may contain remote data or a secret.
    """
    try:
        return await call
    except _DECLARED:
        raise
    except Exception as error:
        _log.exception("adapter.failed")
        raise PayloadInvalid(messages.ANSWER_UNREADABLE.write(error=type(error).__name__)) from error


async def push_values(
    channel: ChannelAdapter, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
) -> list[WriteResult]:
    """One result per write. Raises PayloadInvalid when the adapter fails: whether the writes were applied is
    unknown.
    """
    results = await call_adapter(channel.push(http, config, writes))
    if len(results) != len(writes):
        raise PayloadInvalid(messages.WRONG_RESULTS.write(count=len(results), number=len(writes)))
    return results


async def read_values(
    channel: ChannelAdapter, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
) -> list[ChannelReading]:
    """One reading per key. Raises as `ChannelAdapter.read`, and PayloadInvalid when the adapter fails."""
    readings = await call_adapter(channel.read(http, config, keys))
    if len(readings) != len(keys):
        raise PayloadInvalid(messages.WRONG_READINGS.write(count=len(readings), number=len(keys)))
    return readings
