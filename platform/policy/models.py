"""Tables of rules, of the policy's history and of approvals."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from policy.states import IS_OPEN, ApprovalState


class PolicyRuleRow(TenantOwned, Base):
    """One line of Casbin policy. `id` is the rule's stable id, which decisions reference."""

    __tablename__ = "policy_rule"

    id: Mapped[str] = mapped_column(primary_key=True)
    ptype: Mapped[str]
    sub: Mapped[str]
    dom: Mapped[str]
    obj: Mapped[str]
    act: Mapped[str]
    condition: Mapped[str]
    effect: Mapped[str]
    description: Mapped[str]
    approver: Mapped[str] = mapped_column(server_default="")  # role whose members must approve
    approvals: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    locked: Mapped[bool] = mapped_column(server_default="false")  # of an MSP's rule: clients cannot replace it
    inherited: Mapped[bool] = mapped_column(server_default="false")  # a copy of the MSP's rule with this id
    overrides: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # the MSP's rule it replaces
    position: Mapped[int]  # among equals, the later rule explains an allow


class PolicyRole(TenantOwned, Base):
    """A role that an account composed of permissions. `id` is the role's name in rules and assignments."""

    __tablename__ = "policy_role"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    about: Mapped[str]
    permissions: Mapped[list[str]] = mapped_column(ARRAY(String))
    created_at: Mapped[datetime]
    created_by_name: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by_name: Mapped[str]

    __table_args__ = (Index("uq_policy_role_name", "tenant_id", text("lower(name)"), unique=True),)


class PolicyVersion(TenantOwned, Base):
    """A version of the policy. Append-only. `serial` counts every change; `version` only changes of rules, since
    approvals are bound to it.
    """

    __tablename__ = "policy_version"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    serial: Mapped[int]
    version: Mapped[int]
    author: Mapped[str]
    diff: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "serial"),)


class ApprovalRow(TenantOwned, Base):
    """A decision of members on one exact content. A subject has at most one that is open (pending or granted).

    `approvers` are the required ones (`policy.approvers.Approvers`), none if one approval by any approver is enough;
    `votes` the approvals given so far (`policy.approvers.Vote`).
    """

    __tablename__ = "approval"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    content_hash: Mapped[bytes]
    policy_version: Mapped[int]
    requested_by: Mapped[str]
    author: Mapped[str]
    approvers: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    votes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    state: Mapped[str] = mapped_column(server_default=ApprovalState.PENDING)
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default="")  # in the decider's words
    cause: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # message of a withdrawal
    expires_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # after this time a decision is overdue; the approval is valid until `expires_at`
    overdue: Mapped[bool] = mapped_column(server_default="false")
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    wait_id: Mapped[UUID]
    """Id of the first of the subject's consecutive approvals without an answer; its own id if it replaced none.
    `waiting_since` is the time at which that first approval was requested.
    """
    waiting_since: Mapped[datetime]
    severity: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    impact_amount: Mapped[Decimal] = mapped_column(server_default="0")
    """Size of the difference in price, in major units of `impact_currency`; 0 if no price is concerned."""
    impact_currency: Mapped[str | None]

    __table_args__ = (
        Index(
            "uq_approval_open",
            "tenant_id",
            "subject_kind",
            "subject_id",
            unique=True,
            postgresql_where=text(IS_OPEN),
        ),
        Index("ix_approval_state", "tenant_id", "state", "created_at"),
        Index(
            "ix_approval_due",
            "tenant_id",
            "due_at",
            postgresql_where=text(f"state = '{ApprovalState.PENDING}' AND NOT overdue"),
        ),
        Index("ix_approval_expires", "tenant_id", "expires_at", postgresql_where=text(IS_OPEN)),
    )
