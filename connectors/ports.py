"""The port every connected system is behind. Adapters implement it; nothing above knows a system's own words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from canonical.messages import Observation
from canonical.values import Value
from connectors.manifest import Manifest
from foundation.text import clean_error_text

LONGEST_DETAIL: Final = 2000


class WriteState(StrEnum):
    """What the channel said of a write. ACCEPTED is never proof: only a reading is."""

    ACCEPTED = "accepted"
    STALE = "stale"  # the channel holds a newer version (compare-and-swap refused)
    REFUSED = "refused"  # the channel will never take this value: do not retry
    RETRY = "retry"  # not now: rate limit, outage, time-out


class ChannelWrite(msgspec.Struct, frozen=True):
    """One value to make visible. `version` grows with each change of the same record and element."""

    record_key: str
    element: str
    value: Value
    version: int
    idempotency_key: str


class WriteResult(msgspec.Struct, frozen=True):
    record_key: str
    element: str
    state: WriteState
    detail: str = ""
    retry_after: float | None = None  # seconds, from the channel's own header
    whole: bool = False  # the answer was about the request as a whole: fewer values at once may fare better
    uncertain: bool = False  # of RETRY: it may have taken effect; its answer was lost, or the server failed over it


class ChannelReading(msgspec.Struct, frozen=True):
    """What a shopper would see now. `value` is None when the record does not exist on the channel.

    `unreadable` says what the channel shows when that is no exact value of ours (a fraction of a minor unit, an unknown
    currency, several records under one key). Then `value` is None too: nothing is proven, and nothing is rounded.
    """

    record_key: str
    element: str
    value: Value | None
    version: int | None = None
    unreadable: str = ""
    answered: bool = True  # False: the channel answered for its neighbours but not for this one; nothing is known


class VerifiedDelivery(msgspec.Struct, frozen=True):
    """A webhook whose signature holds. `external_id` None: the sender gives none, and the body's hash serves."""

    external_id: str | None
    sent_at: datetime | None


class PollPage(msgspec.Struct, frozen=True):
    """Source payloads since a cursor, kept byte for byte, and the cursor to continue from.

    `more` asks for the next page at once. Cursors overlap on purpose: duplicates fall out at intake, by their external
    id alone, so an id names what the source holds: other content never comes under the same id.
    """

    payloads: list[tuple[str, bytes]]  # (external id, body)
    cursor: str
    more: bool


class SignatureInvalid(Exception):
    """The webhook is not authentic, or too old to be accepted. The text never holds the secret."""


class Unreadable(msgspec.Struct, frozen=True):
    """One value of a payload that cannot be translated. `reason` quotes what the source wrote."""

    record_key: str
    element: str
    reason: str


class PayloadInvalid(Exception):
    """The payload, or part of it, cannot be translated. The original bytes are kept and an exception is opened.

    `observations` can be taken all the same: one unreadable value must not hold back its neighbours. `unreadable` names
    the values that cannot, where they are known; when it is empty the payload as a whole is meant.
    """

    def __init__(
        self, detail: str, *, observations: Sequence[Observation] = (), unreadable: Sequence[Unreadable] = ()
    ) -> None:
        super().__init__(clean_error_text(detail, longest=LONGEST_DETAIL))
        self.observations = tuple(observations)
        self.unreadable = tuple(unreadable)


class SystemUnavailable(Exception):
    """`read` or `poll` got no usable answer this time (rate limit, outage, refused sign-in): try again later.

    Writes never raise it: they come back as RETRY.
    """

    def __init__(
        self, detail: str, *, retry_after: float | None = None, whole: bool = False, permanent: bool = False
    ) -> None:
        detail = clean_error_text(detail, longest=LONGEST_DETAIL)
        super().__init__(detail)
        self.detail = detail
        self.permanent = permanent  # the same request will be answered in the same way
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
    """The guarded outbound client, bound to one connection: SSRF guard, limits, token bucket and breaker inside.

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
    """What an adapter needs of its connection. `settings` was validated against the manifest; `secrets` are clear text
    in memory only.
    """

    connection_id: str
    base_url: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


class WebhookSource(Protocol):
    def verify(self, headers: Mapping[str, str], body: bytes, secret: bytes, now: datetime) -> VerifiedDelivery:
        """Constant-time check. Header names are lower case. Raises `SignatureInvalid`."""


class SourceAdapter(Protocol):
    """A system of origin (ERP)."""

    def translate(self, body: bytes) -> list[Observation]:
        """Pure. Raises `PayloadInvalid`, which carries what could be translated."""


class PollSource(Protocol):
    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:
        """`cursor` is empty at the first call: from there on everything the source holds is told.

        Raises `SystemUnavailable`, or `PayloadInvalid` for an unknown form.
        """


class ChannelAdapter(Protocol):
    """A system that shows values to buyers. Results and readings come in the order of what was asked for.

    Both methods let pass what the caller raises (`OutboundUnavailable`, `OutboundRefused`): then nothing is known of
    any of the writes, and all of them may be sent again under the same idempotency keys. `read` also raises
    `SystemUnavailable`, and `PayloadInvalid` when the answer's form has changed.
    """

    max_batch: int

    async def push(
        self, http: HttpCaller, config: ConnectionConfig, writes: Sequence[ChannelWrite]
    ) -> list[WriteResult]: ...

    async def read(
        self, http: HttpCaller, config: ConnectionConfig, keys: Sequence[tuple[str, str]]
    ) -> list[ChannelReading]:
        """`keys` are (record key, element)."""


class KeyPage(msgspec.Struct, frozen=True):
    """Record keys a channel shows, and the cursor to continue from; `more` as in `PollPage`.

    `unkeyed`: how many records of the page have no key and so cannot take part. `total`: of the whole list, where the
    channel says so. `identity` tells pages apart that hold the same keys.
    """

    keys: list[str]
    cursor: str
    more: bool
    unkeyed: int = 0
    total: int | None = None
    identity: str = ""

    @property
    def records(self) -> list[str]:
        """A key for each record, blank where there is none: a page of records without keys is not empty."""
        return [*self.keys, *[""] * self.unkeyed]


class CatalogueSource(Protocol):
    """A channel that can say which records it shows, so that what only it shows is found."""

    async def list_keys(self, http: HttpCaller, config: ConnectionConfig, cursor: str) -> KeyPage:
        """`cursor` is empty at the first call. Raises as `ChannelAdapter.read`."""


class Connector(msgspec.Struct, frozen=True):
    """A manifest with the adapters behind it. Absent roles are None."""

    manifest: "Manifest"
    webhook: WebhookSource | None = None
    source: SourceAdapter | None = None
    poll: PollSource | None = None
    channel: ChannelAdapter | None = None
    catalogue: CatalogueSource | None = None
