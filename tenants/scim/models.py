"""Tables of SCIM."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class ScimToken(TenantOwned, Base):
    """The account's token. `secret_hash` is the SHA-256 of 256 random bits. Its rights are those of the member who
    made it, at home in `owner_home`; both are None if the operator did. The token before the last rotation is accepted
    until `previous_until`, with the rights of its own owner.
    """

    __tablename__ = "scim_token"

    secret_hash: Mapped[bytes]
    owner_id: Mapped[UUID | None]
    owner_home: Mapped[UUID | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    last_used_at: Mapped[datetime | None]
    previous_hash: Mapped[bytes | None]
    previous_owner_id: Mapped[UUID | None]
    previous_owner_home: Mapped[UUID | None]
    previous_until: Mapped[datetime | None]


class ScimUser(TenantOwned, Base):
    """A member's profile from the identity provider. `attributes` are `displayName` and `name`, unchanged. `removed`:
    the provider deleted the member, who is suspended and no longer shown to the provider. `suspended_at`: time of the
    provider's latest suspension, equal to the member's `signed_out_after` unless somebody else has suspended the member
    since.
    """

    __tablename__ = "scim_user"
    __table_args__ = (Index("ix_scim_user_external_id", "tenant_id", "external_id"),)

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    removed: Mapped[bool]
    suspended_at: Mapped[datetime | None]
