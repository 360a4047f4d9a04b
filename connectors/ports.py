"""Ports of connected systems. Adapters implement them; no system's own terms are used above this layer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from canonical.keys import PRODUCT, ElementKey
from canonical.messages import Message
from canonical.values import Value
from connectors.manifest import ANY, Manifest
from foundation.i18n.messages import NOTHING, MessageText


class WriteState(StrEnum):
    """A channel's response to a write. ACCEPTED is never proof: only a reading is."""

    ACCEPTED = "accepted"
    STALE = "stale"  # the channel has a newer version (compare-and-swap refused)
    REFUSED = "refused"  # the channel will never take this value: do not retry
    RETRY = "retry"  # temporary: rate limit, outage, time-out


class ChannelWrite(msgspec.Struct, frozen=True):
    """One value to publish. `version` grows with each change of the same key."""

    key: ElementKey
    value: Value
    version: int
    idempotency_key: str

    @property
    def record_key(self) -> str:
        return self.key.record_key

    @property
    def element(self) -> str:
        return self.key.element


class WriteResult(msgspec.Struct, frozen=True):
    key: ElementKey
    state: WriteState
    detail: MessageText = NOTHING
    retry_after: float | None = None  # seconds, from the channel's own header
    whole: bool = False  # refused as a full request: fewer values per request may succeed
    uncertain: bool = False  # of RETRY: possibly applied; the response was lost, or the server failed on it


class ChannelReading(msgspec.Struct, frozen=True):
    """Value currently visible to shoppers. `value` is None when the record does not exist on the channel.

    `unreadable`: the reason why a channel's value has no exact equivalent of ours (a fraction of a minor unit, an
    unknown currency, several records under one key), with the channel's text. Then `value` is None too: nothing is
    proven, and nothing is rounded.
    """

    key: ElementKey
    value: Value | None
    version: int | None = None
    unreadable: MessageText = NOTHING
    answered: bool = True  # False: the response covered other keys but not this one; the value is unknown

    @property
    def record_key(self) -> str:
        return self.key.record_key

    @property
    def element(self) -> str:
        return self.key.element


class VerifiedDelivery(msgspec.Struct, frozen=True):
    """A webhook with a valid signature. `external_id` None: the sender has none, and the body's hash is used."""

    external_id: str | None
    sent_at: datetime | None


class PollPage(msgspec.Struct, frozen=True):
    """Source payloads since a cursor, byte for byte, and the next cursor.

    `more` requests the next page at once. Cursors overlap on purpose: duplicates are dropped at intake by external id
    alone, so an id must identify the content: different content never has the same id.
    """

    payloads: list[tuple[str, bytes]]  # (external id, body)
    cursor: str
    more: bool


class SignatureInvalid(Exception):
    """The webhook is not authentic, or too old. The text never contains the secret."""


class Unreadable(msgspec.Struct, frozen=True):
    """One value of a payload that cannot be translated."""

    record_key: str
    element: str
    reason: MessageText
    dimension: str = ""
    record_type: str = PRODUCT

    @property
    def key(self) -> ElementKey:
        return ElementKey(self.record_key, self.element, self.dimension, self.record_type)


class PayloadInvalid(Exception):
    """The payload, or part of it, cannot be translated. The original bytes stay stored and an exception is opened.

    `messages` remain usable: one unreadable part must not block the others. `unreadable` lists the failed values,
    where known; when empty, the full payload is meant.
    """

    def __init__(
        self, reason: MessageText, *, messages: Sequence[Message] = (), unreadable: Sequence[Unreadable] = ()
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.messages = tuple(messages)
        self.unreadable = tuple(unreadable)


class SystemUnavailable(Exception):
    """`read` or `poll` got no usable response this time (rate limit, outage, refused sign-in): retry later.

    Never raised by writes, which return RETRY.
    """

    def __init__(
        self,
        reason: MessageText,
        *,
        retry_after: float | None = None,
        whole: bool = False,
        permanent: bool = False,
        is_sign_in: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_sign_in = is_sign_in  # the system does not accept the credentials
        self.permanent = permanent  # the same request will get the same response
        self.retry_after = retry_after  # seconds, from the system's own header
        self.whole = whole  # as `WriteResult.whole`


class HttpResponse(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


class HttpCaller(Protocol):
    """The guarded outbound client, bound to one connection, with SSRF guard, limits, token bucket and breaker.

    Raises `foundation.outbound.OutboundUnavailable` (retry later) or `OutboundRefused` (never allowed).
    """

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> HttpResponse: ...


class ConnectionConfig(msgspec.Struct, frozen=True):
    """Input of an adapter. `settings` was validated against the manifest; `secrets` are clear text in memory only."""

    connection_id: str
    base_url: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


class WebhookSource(Protocol):
    def verify(self, headers: Mapping[str, str], body: bytes, secret: bytes, now: datetime) -> VerifiedDelivery:
        """Constant-time check. Header names are lower case. Raises `SignatureInvalid`."""


class SourceAdapter(Protocol):
    """A system of origin (ERP)."""

    def translate(self, body: bytes) -> Sequence[Message]:
        """Translate a payload into canonical messages of any types. Pure. Raises `PayloadInvalid`, which contains the
        translatable part.
        """


class PollSource(Protocol):
    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:
        """Poll from `cursor`. An empty cursor, as at the first call, starts with the source's full content.

        Raises `SystemUnavailable`, or `PayloadInvalid` for an unknown format.
        """


class ChannelAdapter(Protocol):
    """A system that shows values to buyers. Results and readings are in the order of the arguments.

    Both methods propagate the HTTP caller's errors (`OutboundUnavailable`, `OutboundRefused`): the result of every
    write is then unknown, and all may be sent again under the same idempotency keys. `read` also raises
    `SystemUnavailable`, and `PayloadInvalid` when the response format has changed.
    """

    max_batch: int

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]: ...

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[ElementKey]
    ) -> list[ChannelReading]: ...


class KeyPage(msgspec.Struct, frozen=True):
    """Record keys of a channel, and the next cursor; `more` as in `PollPage`.

    `unkeyed` is the number of the page's records without a key, which are excluded. `total` is the full list's, if the
    channel reports one. `identity` distinguishes pages with the same keys.
    """

    keys: list[str]
    cursor: str
    more: bool
    unkeyed: int = 0
    total: int | None = None
    identity: str = ""

    @property
    def records(self) -> list[str]:
        """A key per record, blank where there is none: a page of records without keys is not empty."""
        return [*self.keys, *[""] * self.unkeyed]


class CatalogueSource(Protocol):
    """A channel that can list its records, so that records unknown to the source are found."""

    async def list_keys(self, http: HttpCaller, config: ConnectionConfig, cursor: str) -> KeyPage:
        """`cursor` is empty at the first call. Raises as `ChannelAdapter.read`."""


class Connector(msgspec.Struct, frozen=True):
    """A manifest with its adapters. Capabilities follow from the implemented ports; absent ones are None."""

    manifest: "Manifest"
    webhook: WebhookSource | None = None
    source: SourceAdapter | None = None
    poll: PollSource | None = None
    channel: ChannelAdapter | None = None
    catalogue: CatalogueSource | None = None

    @property
    def takes_webhooks(self) -> bool:
        return self.webhook is not None

    @property
    def is_source(self) -> bool:
        """Whether the system reports values."""
        return self.source is not None

    def reports(self, element: str) -> bool:
        """Whether the system can be the source of truth of the element."""
        return self.is_source and not {ANY, element}.isdisjoint(self.manifest.reports)

    def accepts(self, key: ElementKey) -> bool:
        """Whether the value of `key` can be written and read back."""
        return self.channel is not None and any(rule.accepts(key) for rule in self.manifest.writes)

    @property
    def writes(self) -> list[str]:
        """Names of the rules for writable values (`connectors.manifest.WriteRule.name`)."""
        return sorted({rule.name for rule in self.manifest.writes})
