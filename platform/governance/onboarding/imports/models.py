"""Tables of imports of clients, and of their rows; in the MSP account."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Integer, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned
from governance.onboarding.imports.states import IS_RUNNING_IMPORT


class ClientImport(TenantOwned, Base):
    """One import. An MSP has at most one that runs. `actor_id` and `actor_name` are the member on whose behalf the
    clients are created.
    """

    __tablename__ = "client_import"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    total: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    actor_name: Mapped[str]

    __table_args__ = (
        Index("uq_client_import_running", "tenant_id", unique=True, postgresql_where=text(IS_RUNNING_IMPORT)),
    )


class ClientImportRow(TenantOwned, Base):
    """One row of an import: the client to create, and the result. `line` is the line of the file."""

    __tablename__ = "client_import_row"

    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    client: Mapped[dict[str, Any]] = mapped_column(JSONB)
    template: Mapped[str] = mapped_column(server_default="")
    """The name of the template that the client follows; empty for none."""
    state: Mapped[str]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # a message
