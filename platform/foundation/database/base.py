"""Declarative base of every table, and the columns of every tenant-owned table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, MetaData, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads this attribute from the class
        datetime: DateTime(timezone=True),
        UUID: Uuid(as_uuid=True),
    }


class TenantOwned:
    """Mixin of tenant-owned tables. `tenant_id` leads every key, so that the tables can be distributed by tenant
    unchanged.
    """

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-2)
    msp_id: Mapped[UUID] = mapped_column(sort_order=-1)
