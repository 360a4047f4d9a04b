"""Table of notes. Its metadata is separate from the product's."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from foundation.database.base import TenantOwned


class ExampleBase(DeclarativeBase):
    pass


class Note(TenantOwned, ExampleBase):
    __tablename__ = "example_note"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    text: Mapped[str]
    sealed: Mapped[bytes | None]
    written_at: Mapped[datetime]


CREATE = """
    CREATE TABLE example_note (
        tenant_id uuid NOT NULL, msp_id uuid NOT NULL, id uuid NOT NULL, text varchar NOT NULL, sealed bytea,
        written_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id))
"""
