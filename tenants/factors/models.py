"""Tables of second factors."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class MemberTotp(TenantOwned, Base):
    """A member's authenticator app. `secret` is sealed in the account's vault. `last_step` is the time step of the
    latest accepted code: no code of it or of an earlier one is accepted again.
    """

    __tablename__ = "member_totp"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    secret: Mapped[bytes]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger)


class RecoveryCode(TenantOwned, Base):
    """A code that replaces the app once. `code_hash` is the SHA-256 of 80 random bits. Deleted when it is used."""

    __tablename__ = "recovery_code"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)


class SecondFactorRule(TenantOwned, Base):
    """A role of the account whose members need a second factor; `*` is every role."""

    __tablename__ = "second_factor_rule"

    role: Mapped[str] = mapped_column(primary_key=True)
    set_at: Mapped[datetime]
    set_by: Mapped[str]


class Passkey(TenantOwned, Base):
    """A passkey of a member (WebAuthn), for the host `rp_id`. `public_key` is COSE; `sign_count` is the device's last
    counter.
    """

    __tablename__ = "passkey"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    name: Mapped[str]
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    rp_id: Mapped[str]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "credential_id"),
        Index("ix_passkey_tenant_id_member_id", "tenant_id", "member_id"),
    )
