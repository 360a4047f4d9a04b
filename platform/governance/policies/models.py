"""Tables of drafts with their edits, and of replays with the changes that are decided differently."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Integer, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.policies.states import IS_OPEN_DRAFT, IS_SCHEDULED


class PolicyDraft(TenantOwned, Base):
    """Edits of the policy that are not published yet. An account has at most one that is open.

    `revision` counts the edits, so that exactly the displayed edits are published. `editors` are the ids that four-eyes
    rules count as authors, `editor_names` their names when they edited. A scheduled one comes into force at
    `publish_at`, as the member `scheduled_by` decided; `failure` is the message why that was not possible.
    """

    __tablename__ = "policy_draft"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    revision: Mapped[int] = mapped_column(Integer, server_default="0")
    editors: Mapped[list[str]] = mapped_column(ARRAY(String))
    editor_names: Mapped[list[str]] = mapped_column(ARRAY(String))
    opened_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    restores: Mapped[int | None] = mapped_column(Integer)  # the version that the draft restores
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]  # id of who published or discarded it
    ended_by_name: Mapped[str | None]
    version: Mapped[int | None] = mapped_column(Integer)  # the version that the draft was published as
    publish_at: Mapped[datetime | None]
    scheduled_by: Mapped[str | None]
    scheduled_by_name: Mapped[str | None]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        Index("uq_policy_draft_open", "tenant_id", unique=True, postgresql_where=text(IS_OPEN_DRAFT)),
        Index("ix_policy_draft_scheduled", "tenant_id", "publish_at", postgresql_where=text(IS_SCHEDULED)),
        Index("ix_policy_draft_version", "tenant_id", "version", postgresql_where=text("version IS NOT NULL")),
    )


class PolicyDraftEdit(TenantOwned, Base):
    """A draft's edit of one rule: its fields, or null for removal. `position` is the order of new rules."""

    __tablename__ = "policy_draft_edit"

    draft_id: Mapped[UUID] = mapped_column(primary_key=True)
    rule_id: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    position: Mapped[int] = mapped_column(Integer)


class PolicyReplay(TenantOwned, Base):
    """One replay of recorded changes by a draft and by the published policy.

    `content_hash` is of the draft's edits: the result is of exactly these. `counts` is of changes by “before>after”,
    the outcomes of the published policy and of the draft; `money` the sums of the price differences by currency and
    “before>after”, in major units. `after_id` is the last change replayed.
    """

    __tablename__ = "policy_replay"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    draft_id: Mapped[UUID]
    revision: Mapped[int] = mapped_column(Integer)
    policy_version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str]
    days: Mapped[int] = mapped_column(Integer)
    since: Mapped[datetime]
    until: Mapped[datetime]
    total: Mapped[int] = mapped_column(BigInteger)
    replayed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    differing: Mapped[int] = mapped_column(BigInteger, server_default="0")
    after_id: Mapped[UUID | None]
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    money: Mapped[dict[str, Any]] = mapped_column(JSONB)
    started_at: Mapped[datetime]
    started_by_name: Mapped[str]
    content_hash: Mapped[str | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_policy_replay_draft", "tenant_id", "draft_id", "id"),)


class PolicyReplayDifference(TenantOwned, Base):
    """A change that the draft decides differently, with the values that the list shows."""

    __tablename__ = "policy_replay_difference"

    replay_id: Mapped[UUID] = mapped_column(primary_key=True)
    change_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_key: Mapped[str]
    element: Mapped[str]
    dimension: Mapped[str]
    record_type: Mapped[str]
    old_value: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    new_value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    proposed_at: Mapped[datetime]
    before: Mapped[str]
    after: Mapped[str]
    rule_id: Mapped[str]  # the draft's, empty when no rule matched
    reason: Mapped[dict[str, Any]] = mapped_column(JSONB)
