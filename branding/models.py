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


class BrandImageRow(TenantOwned, Base):
    """An uploaded image as PNG, with its sizes in pixels. `kind` is an `ImageKind`, `hash` begins the SHA-256."""

    __tablename__ = "brand_image"

    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    hash: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    contrast_light: Mapped[float]
    contrast_dark: Mapped[float]
    changed_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "brand_id"], ["brand.tenant_id", "brand.id"], ondelete="CASCADE"),
    )


class BrandDomain(TenantOwned, Base):
    """A host name of one brand, unique in the deployment, as it is looked up before any tenant is known."""

    __tablename__ = "brand_domain"

    host: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "brand_id"], ["brand.tenant_id", "brand.id"], ondelete="CASCADE"),
        Index("uq_brand_domain_host", "host", unique=True),
        Index("ix_brand_domain_tenant_id_brand_id", "tenant_id", "brand_id"),
    )


class BrandDomainClaim(TenantOwned, Base):
    """A host name under which a brand is shown once the MSP has proved, by a DNS record, that the name is theirs.

    `token` is the record's value. `result` is a `ClaimResult`, of the check at `checked_at`.
    """

    __tablename__ = "brand_domain_claim"

    host: Mapped[str] = mapped_column(primary_key=True)
    brand_id: Mapped[UUID]
    token: Mapped[str]
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    result: Mapped[str]

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "brand_id"], ["brand.tenant_id", "brand.id"], ondelete="CASCADE"),
        Index("ix_brand_domain_claim_tenant_id_brand_id", "tenant_id", "brand_id"),
    )


class ClientBrandRow(TenantOwned, Base):
    """A client's own parts of the brand. `tokens` is a `ClientBrandParts`, validated again on every read."""

    __tablename__ = "client_brand"

    tokens: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[datetime]


class ClientBrandImageRow(TenantOwned, Base):
    """An uploaded image of a client, as in `BrandImageRow`."""

    __tablename__ = "client_brand_image"

    kind: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
    hash: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    contrast_light: Mapped[float]
    contrast_dark: Mapped[float]
    changed_at: Mapped[datetime]
