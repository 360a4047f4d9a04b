"""Tables of identity providers."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from tenants.identity_providers.states import SingleSignOnMode


class IdentityProvider(TenantOwned, Base):
    """The account's OpenID provider. `client_secret` is sealed in the account's vault. `group_roles` are objects with
    `group` and `role`. `tested_at` is the latest successful trial of these settings, None if there was none
    since they changed.
    """

    __tablename__ = "identity_provider"

    name: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
    client_secret: Mapped[bytes | None]
    mode: Mapped[str] = mapped_column(server_default=SingleSignOnMode.OFF)
    creates_members: Mapped[bool]
    default_role: Mapped[str]  # of created members whose groups give no role; empty: none
    groups_claim: Mapped[str]
    group_roles: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    checks_factors: Mapped[bool]  # the provider's factors suffice: no second factor is requested here
    set_at: Mapped[datetime]
    set_by: Mapped[str]
    tested_at: Mapped[datetime | None]


class SignInDomain(TenantOwned, Base):
    """A domain whose e-mail addresses the account's provider may vouch for, once its DNS has the token."""

    __tablename__ = "sign_in_domain"

    domain: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    result: Mapped[str]  # a ClaimResult of the last check
    verified_at: Mapped[datetime | None]

    __table_args__ = (
        # The domain of a typed address leads to one account: it is unique in the MSP, whichever client has it.
        Index(
            "uq_sign_in_domain_verified",
            "msp_id",
            "domain",
            unique=True,
            postgresql_where=text("verified_at IS NOT NULL"),
        ),
    )


class ExternalIdentity(TenantOwned, Base):
    """A member's identity at an issuer. Later sign-ins are matched by the subject, not by the e-mail address."""

    __tablename__ = "external_identity"

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    linked_at: Mapped[datetime]
    used_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "member_id"),)
