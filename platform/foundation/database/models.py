"""Table of facts about the installation, which belong to no tenant."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base


class InstallationFact(Base):
    """A fact, by name: the policies and grants of its revision (`access`), or its last backup (`last_backup`)."""

    __tablename__ = "installation"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime]
