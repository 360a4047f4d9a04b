"""Preview of a system's first records: the values that they would report or show. Nothing is stored."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from canonical.elements import DESCRIPTION, NAME, PRICE, STOCK
from canonical.keys import PRODUCT, ElementKey
from canonical.messages import Message, Observation
from canonical.values import Value
from connectors.calls import call_adapter
from connectors.manifest import ANY
from connectors.ports import (
    ConnectionConfig,
    Connector,
    HttpCaller,
    PayloadInvalid,
    PollPage,
    SourceAdapter,
    SystemUnavailable,
)
from foundation.i18n.messages import MessageText, StoredMessage
from foundation.outbound.errors import OutboundRefused, OutboundUnavailable

RECORDS: Final = 5
_LONGEST_SECONDS: Final = 5.0
_MOST_VALUES: Final = 100
_USUAL: Final = (PRICE, STOCK, NAME, DESCRIPTION)
"""Elements that are read from a channel that accepts every element."""


class PreviewValue(msgspec.Struct, frozen=True):
    """One element of one record, as it would be read. `value`: the canonical value; `problem`: the reason why the
    system's own value cannot be read. Both are None if the system has no value.
    """

    record_key: str
    element: str
    value: Value | None
    title: str = ""
    dimension: str = ""
    record_type: str = PRODUCT
    problem: StoredMessage | None = None

    @property
    def key(self) -> ElementKey:
        return ElementKey(self.record_key, self.element, self.dimension, self.record_type)


def preview_page(source: SourceAdapter | None, page: PollPage) -> list[PreviewValue]:
    """The values of the first records of a page, as they would be translated."""
    found: list[PreviewValue] = []
    for _, body in page.payloads:
        if source is None or len({one.record_key for one in found}) > RECORDS:
            break
        try:
            found += _observed(source.translate(body))
        except PayloadInvalid as partly:
            found += _observed(partly.messages)
            found += [
                PreviewValue(
                    one.record_key, one.element, None, dimension=one.dimension, record_type=one.record_type,
                    problem=one.reason.message,
                )
                for one in partly.unreadable
            ]  # fmt: skip
    return _first(found)


async def preview_channel(
    http: HttpCaller, connector: Connector, config: ConnectionConfig, keys: Sequence[str]
) -> list[PreviewValue]:
    """The values that a channel shows of the records; empty if it does not answer in time, since the test passed."""
    wanted = [ElementKey(key, element) for key in keys[:RECORDS] for element in _elements(connector)]
    if connector.channel is None or not wanted:
        return []
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            readings = await call_adapter(connector.channel.read(http, config, wanted))
    except (SystemUnavailable, PayloadInvalid, OutboundRefused, OutboundUnavailable, TimeoutError):
        return []
    return [
        PreviewValue(one.record_key, one.element, one.value, problem=_message(one.unreadable))
        for one in readings
        if one.answered and (one.value is not None or one.unreadable)
    ]


def _elements(connector: Connector) -> list[str]:
    """Elements of products that the channel accepts without a dimension."""
    named = {rule.element for rule in connector.manifest.writes if rule.record_type == PRODUCT}
    return list(_USUAL) if ANY in named else sorted(named)


def _observed(messages: Sequence[Message]) -> list[PreviewValue]:
    return [
        PreviewValue(one.record_key, one.element, one.value, one.title, one.dimension, one.record_type)
        for one in messages
        if isinstance(one, Observation)
    ]


def _first(found: Iterable[PreviewValue]) -> list[PreviewValue]:
    """Values of the first records, by record; the latest of each value, since a page may have several."""
    latest: dict[ElementKey, PreviewValue] = {one.key: one for one in found}
    records = list(dict.fromkeys((key.record_type, key.record_key) for key in latest))[:RECORDS]
    kept = [one for record in records for key, one in latest.items() if (key.record_type, key.record_key) == record]
    return kept[:_MOST_VALUES]


def _message(text: MessageText) -> StoredMessage | None:
    return text.message if text else None
