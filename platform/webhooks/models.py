"""Tables of webhook endpoints, their signing secrets, deliveries and attempts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import String

from foundation.database.base import Base, TenantOwned
from webhooks.states import IS_PENDING


class WebhookEndpoint(TenantOwned, Base):
    """An address that receives events of a client, or of all clients of an MSP. A client's transactions read its MSP's
    endpoints, to determine whether an event must be forwarded.
    """

    __tablename__ = "webhook_endpoint"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str]
    description: Mapped[str]
    event_types: Mapped[list[str]] = mapped_column(ARRAY(String))
    state: Mapped[str]
    paused_for: Mapped[str | None]
    paused_at: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    failing_since: Mapped[datetime | None]  # first failure after the last success
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("state IN ('active', 'paused')", name="state"),)


class WebhookSecret(TenantOwned, Base):
    """A signing secret: the current one without `expires_at`; after a rotation, older secrets sign until then."""

    __tablename__ = "webhook_secret"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID]
    ciphertext: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_webhook_secret_endpoint", "tenant_id", "endpoint_id"),)


class WebhookDelivery(TenantOwned, Base):
    """One event for one endpoint, sent in the order of `seq`. `event_id` is the message id that receivers see; a
    replay has that of the original.
    """

    __tablename__ = "webhook_delivery"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    endpoint_id: Mapped[UUID]
    event_id: Mapped[UUID]
    event_type: Mapped[str]
    source: Mapped[str]
    subject: Mapped[str]
    event_at: Mapped[datetime]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    replay_of: Mapped[UUID | None]

    __table_args__ = (
        Index("ix_webhook_delivery_pending", "tenant_id", "endpoint_id", "seq", postgresql_where=text(IS_PENDING)),
        Index("ix_webhook_delivery_endpoint", "tenant_id", "endpoint_id", "seq"),
        Index(
            "uq_webhook_delivery_event", "tenant_id", "endpoint_id", "event_id",
            unique=True, postgresql_where=text("replay_of IS NULL"),
        ),
    )  # fmt: skip


class WebhookAttempt(TenantOwned, Base):
    """One request of a delivery. `response` is the beginning of the response's body."""

    __tablename__ = "webhook_attempt"

    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    at: Mapped[datetime]
    duration_ms: Mapped[int]
    outcome: Mapped[str]
    status_code: Mapped[int | None] = mapped_column(SmallInteger)
    response: Mapped[str]
