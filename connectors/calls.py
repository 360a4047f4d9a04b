"""Calls to adapters. A defect of an adapter counts as an unreadable response: health is recorded, the job is
retried.
"""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import structlog

from canonical.keys import ElementKey
from connectors.ports import (
    ChannelAdapter,
    ChannelReading,
    ChannelWrite,
    ConnectionConfig,
    HttpCaller,
    PayloadInvalid,
    SystemUnavailable,
    WriteResult,
)
from foundation.outbound.errors import OutboundRefused, OutboundUnavailable

Answer = TypeVar("Answer")
_log = structlog.get_logger(__name__)
_DECLARED = (SystemUnavailable, OutboundUnavailable, OutboundRefused, PayloadInvalid)


async def ask_adapter(call: Awaitable[Answer]) -> Answer:
    """Raises the errors declared by the port, and PayloadInvalid for any other error of the adapter.

    The text contains only the error's type: its message may contain remote data or a secret.
    """
    try:
        return await call
    except _DECLARED:
        raise
    except Exception as error:
        _log.exception("adapter.failed")
        raise PayloadInvalid(f"The connector could not read the answer ({type(error).__name__}).") from error


async def push_values(
    channel: ChannelAdapter, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
) -> list[WriteResult]:
    """One result per write. Raises PayloadInvalid when the adapter fails: whether the writes were applied is
    unknown.
    """
    results = await ask_adapter(channel.push(http, config, writes))
    if len(results) != len(writes):
        raise PayloadInvalid(f"The connector gave {len(results)} results for {len(writes)} values.")
    return results


async def read_values(
    channel: ChannelAdapter, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
) -> list[ChannelReading]:
    """One reading per key. Raises as `ChannelAdapter.read`, and PayloadInvalid when the adapter fails."""
    readings = await ask_adapter(channel.read(http, config, keys))
    if len(readings) != len(keys):
        raise PayloadInvalid(f"The connector gave {len(readings)} readings for {len(keys)} values.")
    return readings
