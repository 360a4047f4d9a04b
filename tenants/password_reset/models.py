"""Tables of password resets."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class PasswordReset(TenantOwned, Base):
    """The latest link of a member: `token_hash` is the SHA-256 of its 256 random bits. Deleted when it is used."""

    __tablename__ = "password_reset"

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
