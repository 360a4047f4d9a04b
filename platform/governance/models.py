"""Contracts, governed values, changes, their propagation to each channel, and exceptions."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, SmallInteger, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.states import RUNNING


class ElementContract(TenantOwned, Base):
    """For one element: who owns it, which connection is its only source of truth, and how quickly it must be seen."""

    __tablename__ = "element_contract"

    element: Mapped[str] = mapped_column(primary_key=True)
    source_connection_id: Mapped[UUID | None]
    """None: the element is set here, by people and API clients (`governance.proposing`)."""
    owner: Mapped[str]
    workflow: Mapped[str]
    propagation_slo_ms: Mapped[int] = mapped_column(Integer)
    correction_slo_ms: Mapped[int] = mapped_column(Integer)
    approval_ttl_s: Mapped[int] = mapped_column(Integer)
    decision_slo_ms: Mapped[int] = mapped_column(BigInteger, server_default="86400000")
    version: Mapped[int] = mapped_column(Integer)
    published_at: Mapped[datetime]
    clocks_from: Mapped[datetime | None]
    """When the client was last resumed: no delivery clock begins before."""


class RecordValue(TenantOwned, Base):
    """One element of one record: what the source says now, and the approved value that channels should show.

    An approved value without a change was accepted with a baseline.
    """

    __tablename__ = "record_value"

    record_key: Mapped[str] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    source_amount: Mapped[int] = mapped_column(BigInteger)
    source_currency: Mapped[str]
    source_version: Mapped[int] = mapped_column(BigInteger)
    source_event_id: Mapped[UUID | None]
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    version: Mapped[int] = mapped_column(BigInteger)
    change_id: Mapped[UUID | None]
    source_connection_id: Mapped[UUID | None]
    source_committed_at: Mapped[datetime | None]


class SourceRecord(TenantOwned, Base):
    """The key under which a source's own record was last seen. Only for sources that have identities of their own."""

    __tablename__ = "source_record"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(primary_key=True)
    record_key: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    source_event_id: Mapped[UUID]

    __table_args__ = (Index("ix_source_record_key", "tenant_id", "connection_id", "record_key"),)


class RecordTitle(TenantOwned, Base):
    """A record's name as its source reports it. `search` is what a search is compared with."""

    __tablename__ = "record_title"

    record_key: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    search: Mapped[str]


class Change(TenantOwned, Base):
    """A proposed new value with its origin, diff and the decision about it.

    state: refused | awaiting | released | superseded | declined | expired. Whether a released change is visible is a
    matter of each channel's propagation, never of one status.
    """

    __tablename__ = "change"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str]
    element: Mapped[str]
    old_amount: Mapped[int | None] = mapped_column(BigInteger)
    old_currency: Mapped[str | None]
    new_amount: Mapped[int] = mapped_column(BigInteger)
    new_currency: Mapped[str]
    source_version: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int | None] = mapped_column(BigInteger)
    origin: Mapped[str]  # source | rollback | baseline
    author: Mapped[str]
    state: Mapped[str]
    outcome: Mapped[str]
    rule_id: Mapped[str]
    reason: Mapped[str]
    policy_version: Mapped[int] = mapped_column(BigInteger)
    cost_amount: Mapped[int | None] = mapped_column(BigInteger)
    targets: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid(as_uuid=True)))
    approval_id: Mapped[UUID | None]
    source_event_id: Mapped[UUID | None]
    committed_at: Mapped[datetime]
    proposed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]  # when policy or a person released or refused it
    decision_excluded: Mapped[timedelta] = mapped_column(
        server_default=text("'0'::interval")
    )  # the client was suspended
    correlation: Mapped[str]
    maker: Mapped[str] = mapped_column(server_default="")  # who made the key, when the author is one

    __table_args__ = (
        Index("ix_change_awaiting", "tenant_id", "record_key", "element", postgresql_where=text("state = 'awaiting'")),
        Index("ix_change_record", "tenant_id", "record_key", "element", "version"),
    )


class Propagation(TenantOwned, Base):
    """One change to one channel. `id` is the idempotency key of its effect.

    `state` as in `governance.states`. Only `verified` stops the clock: the value was read back on the channel.
    The clock starts at `released_at`; see `governance.delivery`.
    """

    __tablename__ = "propagation"

    change_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID | None]
    id: Mapped[UUID]
    record_key: Mapped[str]
    element: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    committed_at: Mapped[datetime]
    released_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    slo_due_at: Mapped[datetime]
    excluded: Mapped[timedelta] = mapped_column(server_default=text("'0'::interval"))
    excluded_until: Mapped[datetime | None]
    breached: Mapped[bool] = mapped_column(server_default="false")
    sent_at: Mapped[datetime | None]
    """When it first may have taken effect without an acceptance on record: the answer was lost, or it was replayed."""
    accepted_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    read_amount: Mapped[int | None] = mapped_column(BigInteger)
    previous_amount: Mapped[int | None] = mapped_column(BigInteger)
    previous_currency: Mapped[str | None]
    error: Mapped[str | None]

    __table_args__ = (
        Index(
            "ix_propagation_partner",
            "tenant_id",
            "partner_id",
            "change_id",
            postgresql_where=text("partner_id IS NOT NULL"),
        ),
        Index(
            "ix_propagation_clock",
            "tenant_id",
            "slo_due_at",
            postgresql_where=text(f"NOT breached AND {RUNNING}"),
        ),
        Index(
            "ix_propagation_running",
            "tenant_id",
            "connection_id",
            "record_key",
            "element",
            postgresql_where=text(RUNNING),
        ),
    )


class ChannelValue(TenantOwned, Base):
    """What a channel was last seen to show."""

    __tablename__ = "channel_value"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    change_id: Mapped[UUID | None]  # none: seen by a baseline, not put there by us
    seen_at: Mapped[datetime]


class ChannelRound(TenantOwned, Base):
    """How far the re-reading of what a channel shows has come: the last value read, in the order of their keys."""

    __tablename__ = "channel_round"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str]
    element: Mapped[str]


class GovernanceException(TenantOwned, Base):
    """Something that needs attention. One open row per code and subject; repeats are counted."""

    __tablename__ = "governance_exception"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    subject: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str]
    severity: Mapped[int] = mapped_column(SmallInteger)
    breakdown: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str]  # open | resolved | discarded
    record_key: Mapped[str | None]
    element: Mapped[str | None]
    connection_id: Mapped[UUID | None]
    change_id: Mapped[UUID | None]
    source_event_id: Mapped[UUID | None]
    occurrences: Mapped[int] = mapped_column(Integer, server_default="1")
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    correction_due_at: Mapped[datetime]
    escalated_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    correlation: Mapped[str]

    __table_args__ = (
        Index(
            "uq_governance_exception_open",
            "tenant_id",
            "code",
            "subject",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "ix_governance_exception_record",
            "tenant_id",
            "record_key",
            "element",
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_governance_exception_state", "tenant_id", "state", "severity"),
        Index(
            "ix_governance_exception_correction",
            "tenant_id",
            "correction_due_at",
            postgresql_where=text("state = 'open' AND escalated_at IS NULL"),
        ),
    )


class HeldObservation(TenantOwned, Base):
    """The newest observation of a record whose element has no contract yet, by its source event."""

    __tablename__ = "held_observation"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    record_key: Mapped[str] = mapped_column(primary_key=True)
    source_event_id: Mapped[UUID]
    source_version: Mapped[int] = mapped_column(BigInteger)
    held_at: Mapped[datetime]
