"""Uploaded images of brands in the database. The session's scope is the MSP account unless said otherwise."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from branding.audit_actions import BrandAction
from branding.brand import Brand
from branding.errors import InvalidImage
from branding.hosts import normal_host
from branding.images import ImageKind, prepare_image
from branding.manage import find_brand, own_account
from branding.models import BrandImageRow
from foundation.audit.chain import append_audit
from foundation.database.engine import Database
from foundation.errors import NotFound
from foundation.marks import N_

ImageReader = Callable[[str, Brand, ImageKind], Awaitable[bytes | None]]
"""Content of an image, by the Host header of a request for it."""
HASH_DIGITS: Final = 16
_ASK: Final = text("SELECT set_config('app.brand', :brand, true)")


def read_kind(kind: str) -> ImageKind:
    """Raises: NotFound: there is no such kind of image."""
    try:
        return ImageKind(kind)
    except ValueError:
        raise NotFound from None


async def set_image(session: AsyncSession, *, slug: str, kind: ImageKind, content: bytes, now: datetime) -> Brand:
    """Store an uploaded file as the brand's image of this kind, drawn again. Returns the brand as it is now.

    Raises:
        InvalidImage: the file is no usable image, or a logo for dark pages without a logo.
        NotFound: there is no such brand.
    """
    scope, brand = own_account(session), await find_brand(session, slug)
    if kind is ImageKind.LOGO_DARK and ImageKind.LOGO not in brand.images:
        raise InvalidImage(N_("Upload the logo first. The one for dark pages replaces it there."))
    image = await asyncio.to_thread(prepare_image, content, kind)
    hashed = hashlib.sha256(image.content).hexdigest()[:HASH_DIGITS]
    values: dict[str, Any] = {
        "content": image.content, "hash": hashed, "width": image.width, "height": image.height,
        "contrast_light": image.contrast_light, "contrast_dark": image.contrast_dark, "changed_at": now,
    }  # fmt: skip
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "brand_id": brand.id, "kind": kind}
    statement = insert(BrandImageRow).values(**own, **values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=["tenant_id", "brand_id", "kind"], set_=values)
    )
    data = {"slug": slug, "kind": kind, "sha256": hashed}
    append_audit(session, action=BrandAction.BRAND_IMAGE_SET, subject=f"brand:{brand.id}", data=data, at=now)
    return await find_brand(session, slug)


async def remove_image(session: AsyncSession, *, slug: str, kind: ImageKind, now: datetime) -> None:
    """Return to the drawn logo or icon. Without a logo, there is none for dark pages either.

    Raises:
        NotFound: there is no such brand, or it has no such image.
    """
    scope, brand = own_account(session), await find_brand(session, slug)
    if kind not in brand.images:
        raise NotFound(N_("This brand has no such image."))
    removed = [kind, ImageKind.LOGO_DARK] if kind is ImageKind.LOGO else [kind]
    own = (BrandImageRow.tenant_id == scope.tenant_id, BrandImageRow.brand_id == brand.id)
    await session.execute(delete(BrandImageRow).where(*own, BrandImageRow.kind.in_(removed)))
    data = {"slug": slug, "kind": kind}
    append_audit(session, action=BrandAction.BRAND_IMAGE_REMOVED, subject=f"brand:{brand.id}", data=data, at=now)


async def read_image(session: AsyncSession, brand: Brand, kind: ImageKind) -> bytes | None:
    """Content of an image. The transaction was opened for the brand's host, or is in the MSP account."""
    own = (BrandImageRow.tenant_id == brand.msp_id, BrandImageRow.brand_id == brand.id)
    found: bytes | None = await session.scalar(select(BrandImageRow.content).where(*own, BrandImageRow.kind == kind))
    return found


def image_reader(database: Database) -> ImageReader:
    async def read(host: str, brand: Brand, kind: ImageKind) -> bytes | None:
        async with database.transaction(None, host=normal_host(host)) as session:
            return await read_image(session, brand, kind)

    return read


async def read_own_image(session: AsyncSession, brand: Brand, kind: ImageKind) -> bytes | None:
    """As `read_image`, in a client's scope, for mail; the read right is removed afterwards. Not for images of a client
    (`client_brands.read_client_image`).
    """
    if kind not in brand.images:
        return None
    await session.execute(_ASK, {"brand": "own"})
    found = await read_image(session, brand, kind)
    await session.execute(_ASK, {"brand": ""})
    return found


def kind_of(name: str, slug: str) -> ImageKind | None:
    """Kind of image in a file name of the brand `slug`; None for other names. Read from the name, because the image may
    be newer than the cached brand.
    """
    start, _, hashed = name.removesuffix(".png").rpartition("-")
    is_image = name.endswith(".png") and len(hashed) == HASH_DIGITS
    return next((kind for kind in ImageKind if is_image and start == f"{slug}-{kind}"), None)
