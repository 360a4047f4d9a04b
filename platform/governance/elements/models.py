"""Tables of element contracts, custom elements, held observations and holds."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Integer, String, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class ElementContract(TenantOwned, Base):
    """Contract of one element, or of the part of it that its selector names: owner, only source of truth, and time
    targets.
    """

    __tablename__ = "element_contract"

    element: Mapped[str] = mapped_column(primary_key=True)
    selector: Mapped[str] = mapped_column(primary_key=True, server_default="")
    """See `governance.elements.selectors`; empty: all values that no other contract of the element selects."""
    source_connection_id: Mapped[UUID | None]
    """None: people and API clients set the element (`governance.changes.propose`)."""
    owner: Mapped[str]
    workflow: Mapped[str]
    sensitivity: Mapped[str] = mapped_column(server_default="internal")
    propagation_slo_ms: Mapped[int] = mapped_column(Integer)
    correction_slo_ms: Mapped[int] = mapped_column(Integer)
    approval_ttl_s: Mapped[int] = mapped_column(Integer)
    decision_slo_ms: Mapped[int] = mapped_column(BigInteger, server_default="86400000")
    value_rules: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    """See `governance.elements.value_rules`."""
    version: Mapped[int] = mapped_column(Integer)
    published_at: Mapped[datetime]
    channels: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    """The only channels that get its values; None: every channel that can show them."""
    clocks_from: Mapped[datetime | None]
    """Time of the client's last resumption; no delivery clock begins before."""


class CustomElement(TenantOwned, Base):
    """An element that a client declares itself, or an MSP for all its clients: a row of the MSP account, which each
    client's scope may read. Never changed afterwards but for its retirement, because its values are kept under it.
    """

    __tablename__ = "custom_element"

    code: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    domain: Mapped[str]
    record_type: Mapped[str]
    value_type: Mapped[str]
    dimensions: Mapped[list[str]] = mapped_column(ARRAY(String))
    codes: Mapped[list[str]] = mapped_column(ARRAY(String))
    distributed: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    retired_at: Mapped[datetime | None]
    retired_by: Mapped[str | None]


class DomainOwner(TenantOwned, Base):
    """The owner of a data domain of a client. A domain without a row has no named owner."""

    __tablename__ = "domain_owner"

    domain: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class HeldObservation(TenantOwned, Base):
    """The newest observation of a key that no contract selects, by its source event."""

    __tablename__ = "held_observation"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    record_key: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True, server_default="")
    record_type: Mapped[str] = mapped_column(primary_key=True, server_default="product")
    source_event_id: Mapped[UUID]
    source_version: Mapped[int] = mapped_column(BigInteger)
    held_at: Mapped[datetime]


class ValueHold(TenantOwned, Base):
    """Hold of a new client's values until `ended_at`, contracts or not. A client without a row never had one."""

    __tablename__ = "value_hold"

    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    ended_for: Mapped[str | None]
    """See `governance.elements.value_hold.HoldEnd`."""
