"""Tables of an MSP's brands and their host names. All rows belong to the MSP account."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from foundation.database.base import Base, TenantOwned


class BrandRow(TenantOwned, Base):
    """`tokens` is a `Theme`, validated again on every read."""

    __tablename__ = "brand"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    name: Mapped[str]
    tokens: Mapped[dict[str, Any]] = mapped_column(JSONB)
    updated_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "slug"),)


class BrandDomain(TenantOwned, Base):
    """A host name of one brand, unique in the deployment: looked up before any tenant is known."""

    __tablename__ = "brand_domain"

    host: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "brand_id"], ["brand.tenant_id", "brand.id"], ondelete="CASCADE"),
        Index("uq_brand_domain_host", "host", unique=True),
        Index("ix_brand_domain_tenant_id_brand_id", "tenant_id", "brand_id"),
    )
