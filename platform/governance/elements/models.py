"""Element contracts, and observations held until one is published."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class ElementContract(TenantOwned, Base):
    """For one element: who owns it, which connection is its only source of truth, and how quickly it must be seen."""

    __tablename__ = "element_contract"

    element: Mapped[str] = mapped_column(primary_key=True)
    source_connection_id: Mapped[UUID | None]
    """None: the element is set here, by people and API clients (`governance.changes.propose`)."""
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


class HeldObservation(TenantOwned, Base):
    """The newest observation of a record whose element has no contract yet, by its source event."""

    __tablename__ = "held_observation"

    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    element: Mapped[str] = mapped_column(primary_key=True)
    record_key: Mapped[str] = mapped_column(primary_key=True)
    source_event_id: Mapped[UUID]
    source_version: Mapped[int] = mapped_column(BigInteger)
    held_at: Mapped[datetime]
