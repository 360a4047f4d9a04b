"""Tables of the account tree operator > MSP > client, its members, their notifications, and its API keys.

`msp` and `client` are the directory: small, read by every sign-in. Distributed by tenant they would be reference
tables, which is why their names may be unique across tenants (an MSP's name in the deployment, a client's in its MSP).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from tenants.states import AccessState, AccountStatus, Environment, KeyUse, PartnerStatus


class Msp(TenantOwned, Base):
    """`tenant_id` and `msp_id` are both its id: an MSP owns its MSP account."""

    __tablename__ = "msp"

    name: Mapped[str]
    slug: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=AccountStatus.ACTIVE)
    created_at: Mapped[datetime]
    language: Mapped[str | None]  # of members who chose none, as the time zone
    time_zone: Mapped[str | None]
    requests_per_caller: Mapped[int | None]  # to the API in a minute; None: the default
    requests_per_account: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("tenant_id = msp_id", name="own_account"),
        Index("uq_msp_slug", "slug", unique=True),
    )


class Client(TenantOwned, Base):
    """A client, i.e. a tenant; `tenant_id` is its id."""

    __tablename__ = "client"

    name: Mapped[str]
    slug: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=AccountStatus.ACTIVE)
    currency: Mapped[str]
    staff_access: Mapped[str] = mapped_column(server_default="standing")  # a StaffAccess
    created_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]
    language: Mapped[str | None]  # of members who chose none, as the time zone
    time_zone: Mapped[str | None]
    region: Mapped[str] = mapped_column(server_default="")
    """ISO 3166 code of the country or region where the client is at home, such as DE; empty if not known."""
    environment: Mapped[str] = mapped_column(server_default=Environment.LIVE)
    revision: Mapped[int] = mapped_column(Integer, server_default="1")
    """Grows with each change of the client's details."""
    requests_per_caller: Mapped[int | None]  # as of the MSP's own account
    requests_per_account: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("tenant_id <> msp_id", name="not_msp_account"),
        # Addresses contain a client's slug within its MSP, and a tenant has exactly one row here: an index that starts
        # with tenant_id could not enforce uniqueness within an MSP.
        Index("uq_client_msp_id_slug", "msp_id", "slug", unique=True),
    )


class Partner(TenantOwned, Base):
    """A trading partner in one client's channel. Its key is named `partner_id`, so that row-level security shows a
    partner its own row.
    """

    __tablename__ = "partner"

    id: Mapped[UUID] = mapped_column("partner_id", primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=PartnerStatus.ACTIVE)
    created_at: Mapped[datetime]


class Member(TenantOwned, Base):
    """`tenant_id` is the member's home: a client, or the MSP account for staff."""

    __tablename__ = "member"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]
    partner_id: Mapped[UUID | None]
    status: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    signed_out_after: Mapped[datetime | None]
    invite_hash: Mapped[bytes | None]
    invite_until: Mapped[datetime | None]
    invited_at: Mapped[datetime | None]
    invited_by: Mapped[str | None]
    accepted_at: Mapped[datetime | None]
    inviter_id: Mapped[UUID | None]  # creator of the latest link, whose rights are checked again on use
    vouched_by: Mapped[UUID | None]  # counted as the same person under four-eyes rules until confirmed
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None]
    language: Mapped[str | None]  # None: the account's, as for the time zone
    time_zone: Mapped[str | None]
    shortcuts: Mapped[bool] = mapped_column(server_default="true")  # keys without modifiers, see WCAG 2.1.4

    __table_args__ = (
        UniqueConstraint("tenant_id", "email"),
        ForeignKeyConstraint(["tenant_id", "partner_id"], ["partner.tenant_id", "partner.partner_id"]),
        CheckConstraint("email = lower(email)", name="email_lower"),
        # Sign-in has the host's MSP and an e-mail address, not yet the tenant.
        Index("ix_member_msp_id_email", "msp_id", "email"),
    )


class ApiKey(TenantOwned, Base):
    """`secret_hash` is the SHA-256 of 256 random bits: these cannot be guessed, so no slow hash is needed."""

    __tablename__ = "api_key"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[bytes]
    role: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    on_behalf_of_id: Mapped[UUID | None]  # the member behind the key, also when another key of theirs created it
    manages_access: Mapped[bool] = mapped_column(server_default="false")
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    use: Mapped[str] = mapped_column(server_default=KeyUse.KEY)
    permissions: Mapped[list[str] | None] = mapped_column(ARRAY(String))  # None: all of the role
    expires_at: Mapped[datetime | None]
    current_hash: Mapped[bytes | None]  # of the secret of the last rotation, in place of `secret_hash`
    previous_hash: Mapped[bytes | None]  # of the secret before it
    previous_until: Mapped[datetime | None]


class OAuthToken(TenantOwned, Base):
    """An access token of an OAuth 2 client, which is an API key of that use. `secret_hash` as for keys."""

    __tablename__ = "oauth_token"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key_id: Mapped[UUID]
    secret_hash: Mapped[bytes]
    permissions: Mapped[list[str] | None] = mapped_column(ARRAY(String))  # None: all of the client
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_oauth_token_key", "tenant_id", "key_id"),)


class AccessGrant(TenantOwned, Base):
    """A request of a member of the MSP's staff, and its answer. `ends_at` is set when it is granted."""

    __tablename__ = "access_grant"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    member_name: Mapped[str]
    role: Mapped[str]
    reason: Mapped[str]
    hours: Mapped[int]
    state: Mapped[str]
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_name: Mapped[str | None]
    ends_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]  # the first use
    ended_at: Mapped[datetime | None]  # before its time
    ended_by_name: Mapped[str | None]

    __table_args__ = (
        Index(
            "ix_access_grant_open",
            "tenant_id",
            "member_id",
            postgresql_where=text(f"state IN ('{AccessState.REQUESTED}', '{AccessState.GRANTED}')"),
        ),
    )


class Notification(TenantOwned, Base):
    """An event, for one member. Until it is read, repeated causes are counted in the same row (`number`).

    `params` are those of the kind's text; `href` is the page of the latest cause, `list_href` that of several.
    `account` names the client in which it happened, for members of the MSP. `partner_id` is the member's trading
    partner, by which row-level security shows a partner its own.
    """

    __tablename__ = "notification"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    kind: Mapped[str]
    severity: Mapped[str]
    topic: Mapped[str]  # causes of one topic are counted together
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    href: Mapped[str]
    list_href: Mapped[str]
    account: Mapped[str]
    number: Mapped[int]
    happened_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    counts_from: Mapped[datetime | None]  # the end of quiet hours, before which the bell leaves it out
    partner_id: Mapped[UUID | None]

    __table_args__ = (
        Index(
            "uq_notification_unread",
            "tenant_id",
            "member_id",
            "kind",
            "topic",
            unique=True,
            postgresql_where=text("read_at IS NULL"),
        ),
        Index("ix_notification_member", "tenant_id", "member_id", "happened_at", "id"),
    )


class NotificationChoice:
    """Columns of chosen notifications: kinds by code that are muted in the app, and everything below `least_severity`.
    `delivery` is a `StoredDelivery`: the settings for mail and webhooks.
    """

    muted: Mapped[list[str]] = mapped_column(ARRAY(String))
    least_severity: Mapped[str]
    delivery: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))


class NotificationSetting(NotificationChoice, TenantOwned, Base):
    """The notifications that a member has chosen."""

    __tablename__ = "notification_setting"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    partner_id: Mapped[UUID | None]


class NotificationDefault(NotificationChoice, TenantOwned, Base):
    """The notifications of the account's members who have chosen none, but not of trading partners' members. At most
    one row for each account.
    """

    __tablename__ = "notification_default"
