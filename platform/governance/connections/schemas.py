"""Structs of connections and contracts for pages and the API."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from connectors.states import ConnectionState
from foundation.i18n.messages import StoredMessage


class ConnectionView(msgspec.Struct, frozen=True):
    """A connection. `is_source`: it reports values; `writes`: elements that can be sent to it, `*` for every one of
    products, `customer.*` for every one of customers.

    `waiting` is counted up to `governance.connections.queries.MANY`. `last_error` is the
    sentence of `problem`, in the reader's language.
    """

    id: UUID
    kind: str
    is_source: bool
    takes_webhooks: bool
    writes: list[str]
    name: str
    base_url: str
    state: str
    partner: str | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str | None
    problem: StoredMessage | None
    waiting: int
    oldest_waiting: datetime | None

    @property
    def health(self) -> str:
        """Paused | unused | failing | working."""
        if self.state != ConnectionState.ACTIVE:
            return "paused"
        if self.last_failure_at is None:
            return "unused" if self.last_success_at is None else "working"
        if self.last_success_at is None or self.last_failure_at > self.last_success_at:
            return "failing"
        return "working"

    @property
    def hook_path(self) -> str:
        """Path of its webhooks; empty if it sends none."""
        return f"/hooks/{self.id}" if self.takes_webhooks else ""


class NewHookSecret(msgspec.Struct, frozen=True):
    """`webhook_secret` is shown only once. The previous one stays valid until the next renewal."""

    webhook_secret: str


class ContractView(msgspec.Struct, frozen=True):
    """An element's contract. `selector`: see `governance.elements.schemas.NewContract`. `is_shared`: other contracts of
    the element select values.
    """

    element: str
    selector: str
    source: str
    owner: str
    workflow: str
    propagation_slo: timedelta
    correction_slo: timedelta
    decision_slo: timedelta
    approval_ttl: timedelta
    version: int
    published_at: datetime
    source_connection_id: UUID | None
    is_shared: bool
