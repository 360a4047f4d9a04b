"""Tables of connections, their secrets, and received payloads."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Float, Integer, SmallInteger, String
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from connectors.states import ConnectionState
from foundation.database.base import Base, TenantOwned
from tenants.states import Environment


class Connection(TenantOwned, Base):
    """A configured connector. Partners see their own connections, without secret settings."""

    __tablename__ = "connection"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID | None]
    kind: Mapped[str]
    is_source: Mapped[bool]
    """Whether the connected system reports values."""
    takes_webhooks: Mapped[bool]
    writes: Mapped[list[str]] = mapped_column(ARRAY(String))
    """Writable elements: their codes, `*` for every one of products, `customer.*` of customers. A connection that
    writes any is a channel.
    """
    jurisdiction: Mapped[str] = mapped_column(server_default="")
    """ISO 3166 code of the country or region whose law applies, such as DE or US-CA; empty if not known."""
    name: Mapped[str]
    base_url: Mapped[str]
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default=ConnectionState.ACTIVE)
    paused_at: Mapped[datetime | None]
    missing_since: Mapped[datetime | None]  # a channel may lack values released since then
    requests_per_second: Mapped[float] = mapped_column(Float)
    burst: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    last_error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # a message
    environment: Mapped[str] = mapped_column(server_default=Environment.LIVE)
    revision: Mapped[int] = mapped_column(Integer, server_default="1")
    """Grows with each change that a person makes; health does not change it."""
    last_message_at: Mapped[datetime | None]
    """Time of receipt of about the newest webhook that was processed."""
    credentials_expire_on: Mapped[date | None]
    expiry_stage: Mapped[int | None] = mapped_column(SmallInteger)
    """The stage of `connectors.expiry` that was announced last."""
    deleted_at: Mapped[datetime | None]


class ConnectionSecret(TenantOwned, Base):
    """One secret, encrypted by the tenant's key. `webhook_secret` and its predecessor verify webhooks.

    `set_at` and `set_by` are unknown for secrets that were set before both were recorded.
    """

    __tablename__ = "connection_secret"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    ciphertext: Mapped[bytes]
    set_at: Mapped[datetime | None]
    set_by: Mapped[str] = mapped_column(server_default="")


class ReconnectLink(TenantOwned, Base):
    """The link of a connection with which its credentials can be renewed once. `token_hash` is the SHA-256 of its 256
    random bits. Deleted when it is used or withdrawn.
    """

    __tablename__ = "reconnect_link"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime]


class SourceEvent(TenantOwned, Base):
    """A received payload, byte for byte. Never updated: its processing state follows from later records.

    Partitioned by `id`. `SourceEventKey` makes (connection, dedupe key) unique.
    """

    __tablename__ = "source_event"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    dedupe_key: Mapped[str]
    body_hash: Mapped[bytes]
    body: Mapped[bytes]
    content_type: Mapped[str]
    via: Mapped[str]  # webhook | poll
    received_at: Mapped[datetime]
    correlation: Mapped[str]


class SourceEventKey(TenantOwned, Base):
    """Unique key of a delivery. A separate table, since a partitioned table cannot enforce uniqueness."""

    __tablename__ = "source_event_key"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes]
    event_id: Mapped[UUID]
    via: Mapped[str]


class PollCursor(TenantOwned, Base):
    __tablename__ = "poll_cursor"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    cursor: Mapped[str]
    polled_at: Mapped[datetime]
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # see `connectors.paging`
