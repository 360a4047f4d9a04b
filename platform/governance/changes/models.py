"""Table of changes."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, String, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.changes.states import IS_AWAITING


class Change(TenantOwned, Base):
    """A proposed new value with its origin, diff and decision.

    state: refused | awaiting_approval | released | superseded | declined | expired. Visibility of a released change is
    recorded per channel, in its propagations.
    """

    __tablename__ = "change"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str]
    element: Mapped[str]
    dimension: Mapped[str] = mapped_column(server_default="")
    record_type: Mapped[str] = mapped_column(server_default="product")
    old_value: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    new_value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    source_version: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int | None] = mapped_column(BigInteger)
    origin: Mapped[str]  # source | proposal | rollback | baseline
    author: Mapped[str]
    state: Mapped[str]
    outcome: Mapped[str]
    rule_id: Mapped[str]
    reason: Mapped[dict[str, Any]] = mapped_column(JSONB)  # a message
    policy_version: Mapped[int] = mapped_column(BigInteger)
    cost_value: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    targets: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid(as_uuid=True)))
    approval_id: Mapped[UUID | None]
    source_event_id: Mapped[UUID | None]
    committed_at: Mapped[datetime]
    proposed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]  # time of the release or refusal, by policy or a person
    decision_excluded: Mapped[timedelta] = mapped_column(
        server_default=text("'0'::interval")
    )  # time in which the client was suspended
    correlation: Mapped[str]
    on_behalf_of: Mapped[str] = mapped_column(server_default="")  # creator of the API key, when the author is a key
    author_roles: Mapped[list[str]] = mapped_column(ARRAY(String), server_default="{}")  # of the proposing person
    note: Mapped[str] = mapped_column(server_default="")  # the proposer's reason

    __table_args__ = (
        Index(
            "ix_change_awaiting_approval",
            "tenant_id",
            "record_key",
            "element",
            "dimension",
            "record_type",
            postgresql_where=text(IS_AWAITING),
        ),
        Index("ix_change_record", "tenant_id", "record_key", "element", "dimension", "record_type", "version"),
    )
