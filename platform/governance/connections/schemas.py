"""Structs of connections and contracts for pages and the API."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec

from connectors.manifest import Category, FieldKind
from connectors.states import ConnectionState
from foundation.i18n.messages import StoredMessage
from governance.elements.value_rules import NO_RULES, ValueRules
from tenants.states import Environment


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
    environment: str
    last_message_at: datetime | None
    credentials_expire_on: date | None
    waiting: int
    oldest_waiting: datetime | None

    @property
    def health(self) -> str:
        """Draft | paused | unused | failing | working."""
        if self.state == ConnectionState.DRAFT:
            return "draft"
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


class CredentialView(msgspec.Struct, frozen=True):
    """A credential, never its value. `set_at` and `set_by` are empty if it was set before both were recorded."""

    name: str
    label: str
    is_set: bool
    set_at: datetime | None
    set_by: str


class ConnectionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a connection; its health is in the list. `revision` is also in the header ETag."""

    id: UUID
    kind: str
    title: str
    name: str
    base_url: str
    environment: Environment
    state: str
    settings: dict[str, str]
    credentials: list[CredentialView]
    credentials_expire_on: date | None
    jurisdiction: str
    partner_id: UUID | None
    is_source: bool
    writes: list[str]
    webhook_path: str
    created_at: datetime
    revision: int


class HealthSpell(msgspec.Struct, frozen=True):
    """A period in which the connection failed or was paused; `until` is None while it continues."""

    code: str
    since: datetime
    until: datetime | None
    error: str


class HealthHistory(msgspec.Struct, frozen=True):
    items: Sequence[HealthSpell]


class ConnectorField(msgspec.Struct, frozen=True):
    """A setting or credential of a connector, as forms show it. `choices` are the values of a choice."""

    name: str
    label: str
    kind: FieldKind
    required: bool
    help: str
    default: str
    choices: list[str]


class ConnectorView(msgspec.Struct, frozen=True):
    """A kind of system that can be connected. `environment`: the one that forms suggest."""

    kind: str
    title: str
    category: Category
    description: str
    environment: Environment
    is_source: bool
    takes_webhooks: bool
    writes: list[str]
    fields: list[ConnectorField]


class ConnectorCatalogue(msgspec.Struct, frozen=True):
    items: list[ConnectorView]


class ContractTaken(msgspec.Struct, frozen=True):
    """A contract whose source is deleted. With a selector it is removed; otherwise people and API clients become its
    source (`becomes_manual`).
    """

    element: str
    selector: str
    becomes_manual: bool


class DeletionPreview(msgspec.Struct, frozen=True):
    """Preview of the deletion of a connection. `deliveries` are not finished, `jobs` are waiting; `kept_deliveries`
    remain as history. Each number is counted up to 10,000.
    """

    name: str
    contracts: list[ContractTaken]
    deliveries: int
    held_values: int
    jobs: int
    credentials: int
    kept_deliveries: int
    revision: int


class NewHookSecret(msgspec.Struct, frozen=True):
    """`webhook_secret` is shown only once. The previous one stays valid until the next renewal."""

    webhook_secret: str


class ContractView(msgspec.Struct, frozen=True):
    """An element's contract. `selector`: see `governance.elements.schemas.NewContract`. `is_shared`: other contracts of
    the element select values. `channels`: the only ones that get the values, with their names; null for every channel.
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
    sensitivity: str
    rules: ValueRules = NO_RULES
    channels: Sequence[UUID] | None = None
    channel_names: Sequence[str] = ()
