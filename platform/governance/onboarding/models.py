"""Tables of onboardings, and of the checks that an MSP waives."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class Onboarding(TenantOwned, Base):
    """The onboarding of one client: a row of the client. A client without a row is older than this table."""

    __tablename__ = "onboarding"

    started_at: Mapped[datetime]
    started_by: Mapped[str]
    checked_at: Mapped[datetime | None]
    """Time of the last test of all credentials together."""
    live_at: Mapped[datetime | None]
    live_by: Mapped[str | None]
    live_by_id: Mapped[str | None]


class OnboardingWaiver(TenantOwned, Base):
    """A check of the go-live checklist that an MSP admin waives for one client."""

    __tablename__ = "onboarding_waiver"

    check_name: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    waived_at: Mapped[datetime]
    waived_by: Mapped[str]
    waived_by_id: Mapped[UUID | None]
