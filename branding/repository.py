"""SQL of brands and host names."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from branding.brand import Brand, prepare_brand
from branding.images import BrandImage, ImageKind
from branding.theme import parse_theme
from foundation.scope import Scope

_IMAGES = (
    "(SELECT jsonb_agg(jsonb_build_object('kind', i.kind, 'hash', i.hash, 'width', i.width, 'height', i.height,"
    " 'contrast_light', i.contrast_light, 'contrast_dark', i.contrast_dark)) FROM brand_image AS i"
    " WHERE i.tenant_id = b.tenant_id AND i.brand_id = b.id) AS images"
)
_COLUMNS = f"b.id, b.msp_id, b.slug, b.tokens, {_IMAGES}"
# No tenant is known yet: the policy on app.host, set when the transaction was opened, admits this host only.
_BY_HOST = text(
    f"SELECT {_COLUMNS} FROM brand_domain AS d"
    " JOIN brand AS b ON b.tenant_id = d.tenant_id AND b.id = d.brand_id WHERE d.host = :host"
)
_BY_SLUG = text(f"SELECT {_COLUMNS} FROM brand AS b WHERE b.tenant_id = :tenant_id AND b.slug = :slug")
# Ids are ordered by time. The policy on app.brand admits rows of the MSP account, for reading.
_FIRST = text(f"SELECT {_COLUMNS} FROM brand AS b WHERE b.tenant_id = :msp_id ORDER BY b.id LIMIT 1")
_BY_ID = text(f"SELECT {_COLUMNS} FROM brand AS b WHERE b.tenant_id = :msp_id AND b.id = :brand_id")
_FIRST_HOST = text(
    "SELECT d.host, d.brand_id FROM brand_domain AS d WHERE d.tenant_id = :msp_id ORDER BY d.brand_id, d.host LIMIT 1"
)
_ASK = text("SELECT set_config('app.brand', :brand, true)")
_UPSERT = text(
    "INSERT INTO brand (tenant_id, msp_id, id, slug, name, tokens, updated_at)"
    " VALUES (:tenant_id, :msp_id, :id, :slug, :name, :tokens, :now)"
    " ON CONFLICT (tenant_id, slug) DO UPDATE"
    " SET name = excluded.name, tokens = excluded.tokens, updated_at = excluded.updated_at RETURNING id"
).bindparams(bindparam("tokens", type_=JSONB))
_CLAIM = text(
    "INSERT INTO brand_domain (tenant_id, msp_id, host, brand_id) VALUES (:tenant_id, :msp_id, :host, :brand_id)"
    " ON CONFLICT DO NOTHING"
)
_REPOINT = text(
    "UPDATE brand_domain SET brand_id = :brand_id WHERE tenant_id = :tenant_id AND host = :host RETURNING 1"
)
_NAMES = text(
    "SELECT name FROM brand WHERE tenant_id = :tenant_id"
    " UNION SELECT host FROM brand_domain WHERE tenant_id = :tenant_id ORDER BY 1 LIMIT 500"
)
_BRANDS = text(f"SELECT {_COLUMNS} FROM brand AS b WHERE b.tenant_id = :tenant_id ORDER BY b.id LIMIT 500")
_HOSTS = text("SELECT brand_id, host FROM brand_domain WHERE tenant_id = :tenant_id ORDER BY host LIMIT 5000")
_HOST_NAMES = text(
    "SELECT host FROM brand_domain WHERE tenant_id = :tenant_id"
    " AND (CAST(:brand_id AS uuid) IS NULL OR brand_id = :brand_id) ORDER BY host LIMIT 5000"
)
_RELEASE = text("DELETE FROM brand_domain WHERE tenant_id = :tenant_id AND host = :host RETURNING 1")


async def find_by_host(session: AsyncSession, host: str) -> Brand | None:
    return _brand((await session.execute(_BY_HOST, {"host": host})).one_or_none())


async def find_by_slug(session: AsyncSession, scope: Scope, slug: str) -> Brand | None:
    values = {"tenant_id": scope.tenant_id, "slug": slug}
    return _brand((await session.execute(_BY_SLUG, values)).one_or_none())


async def find_first(session: AsyncSession, msp_id: UUID) -> Brand | None:
    """The first brand of the scope's MSP, also in a client's scope; the read right is removed afterwards."""
    await session.execute(_ASK, {"brand": "own"})
    row = (await session.execute(_FIRST, {"msp_id": msp_id})).one_or_none()
    await session.execute(_ASK, {"brand": ""})
    return _brand(row)


async def find_of_msp(session: AsyncSession, msp_id: UUID, brand_id: UUID) -> Brand | None:
    """As `find_first`, for one of the MSP's brands."""
    await session.execute(_ASK, {"brand": "own"})
    row = (await session.execute(_BY_ID, {"msp_id": msp_id, "brand_id": brand_id})).one_or_none()
    await session.execute(_ASK, {"brand": ""})
    return _brand(row)


async def find_first_host(session: AsyncSession, msp_id: UUID) -> tuple[str, UUID] | None:
    """As `find_first`: the first host, with its brand."""
    await session.execute(_ASK, {"brand": "own"})
    row = (await session.execute(_FIRST_HOST, {"msp_id": msp_id})).one_or_none()
    await session.execute(_ASK, {"brand": ""})
    return None if row is None else (row.host, row.brand_id)


async def list_brands(session: AsyncSession, scope: Scope) -> Sequence[tuple[Brand, tuple[str, ...]]]:
    """Brands, oldest first, each with its hosts."""
    values = {"tenant_id": scope.tenant_id}
    hosts = (await session.execute(_HOSTS, values)).all()
    return [
        (brand, tuple(host for brand_id, host in hosts if brand_id == brand.id))
        for row in (await session.execute(_BRANDS, values)).all()
        if (brand := _brand(row)) is not None
    ]


async def list_hosts(session: AsyncSession, scope: Scope, brand_id: UUID | None) -> Sequence[str]:
    return (await session.scalars(_HOST_NAMES, {"tenant_id": scope.tenant_id, "brand_id": brand_id})).all()


async def list_names(session: AsyncSession, scope: Scope) -> Sequence[str]:
    return (await session.scalars(_NAMES, {"tenant_id": scope.tenant_id})).all()


def _brand(row: Any | None) -> Brand | None:
    if row is None:
        return None
    images = {kind: image for one in row.images or () for kind, image in (_image(row.slug, one),)}
    return prepare_brand(
        brand_id=row.id, msp_id=row.msp_id, slug=row.slug, theme=parse_theme(row.tokens), images=images
    )


def _image(slug: str, stored: dict[str, Any]) -> tuple[ImageKind, BrandImage]:
    kind = ImageKind(stored["kind"])
    sizes = {name: stored[name] for name in ("width", "height", "contrast_light", "contrast_dark")}
    return kind, BrandImage(kind, f"/brand/{slug}-{kind}-{stored['hash']}.png", **sizes)


async def upsert(  # noqa: PLR0913
    session: AsyncSession, scope: Scope, *, brand_id: UUID, slug: str, name: str, tokens: dict[str, Any], now: datetime
) -> UUID:
    """The brand's id: `brand_id` only if the slug is new."""
    values = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "id": brand_id, "slug": slug}
    kept: UUID = await session.scalar(_UPSERT, values | {"name": name, "tokens": tokens, "now": now})
    return kept


async def point_host(session: AsyncSession, scope: Scope, *, host: str, brand_id: UUID) -> bool:
    """Insert or update a host. False when the host belongs to another MSP."""
    values = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "host": host, "brand_id": brand_id}
    await session.execute(_CLAIM, values)
    return await session.scalar(_REPOINT, values) is not None


async def release_host(session: AsyncSession, scope: Scope, host: str) -> bool:
    return await session.scalar(_RELEASE, {"tenant_id": scope.tenant_id, "host": host}) is not None
