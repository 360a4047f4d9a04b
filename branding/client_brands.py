"""Clients' own parts of the brand, in place of their MSP's: SQL and use cases. The session's scope is the client's
account unless said otherwise.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from branding.audit_actions import ClientBrandAction
from branding.brand import Brand
from branding.client_parts import FILES, NO_PARTS, ClientBrandParts, client_brand, parse_parts
from branding.errors import InvalidImage
from branding.hosts import normal_host
from branding.image_store import HASH_DIGITS
from branding.images import BrandImage, BrandImages, ImageKind, prepare_image
from branding.models import ClientBrandImageRow, ClientBrandRow
from foundation.audit.chain import append_audit
from foundation.database.engine import Database, scope_of
from foundation.errors import Forbidden, NotFound
from foundation.marks import N_
from foundation.scope import Scope

ClientImageReader = Callable[[str, str], Awaitable[bytes | None]]
"""Content of a client's image, by the Host header of a request for it and its hash."""
_SIZES: Final = ("width", "height", "contrast_light", "contrast_dark")
_ASK: Final = text("SELECT set_config('app.brand', :brand, true)")
_OWN: Final = text("""
    SELECT b.tokens, (
        SELECT jsonb_agg(jsonb_build_object('kind', i.kind, 'hash', i.hash, 'width', i.width, 'height', i.height,
               'contrast_light', i.contrast_light, 'contrast_dark', i.contrast_dark))
          FROM client_brand_image i WHERE i.tenant_id = b.tenant_id) AS images
      FROM client_brand b WHERE b.tenant_id = :tenant
""")
_PARTS: Final = text("SELECT tenant_id, tokens FROM client_brand WHERE tenant_id = ANY (:ids)")


@dataclass(frozen=True, slots=True)
class ClientBrand:
    """The parts and images of a client."""

    parts: ClientBrandParts
    images: BrandImages

    def over(self, brand: Brand) -> Brand:
        return client_brand(brand, self.parts, self.images)


async def read_client_brand(session: AsyncSession) -> ClientBrand:
    row = (await session.execute(_OWN, {"tenant": scope_of(session).tenant_id})).one_or_none()
    if row is None:
        return ClientBrand(NO_PARTS, {})
    return ClientBrand(parse_parts(row.tokens), {one.kind: one for one in map(_image, row.images or ())})


async def load_parts(session: AsyncSession, clients: Collection[UUID]) -> Mapping[UUID, ClientBrandParts]:
    """Own parts of the brand by client id; clients without any are omitted. Scope: the fleet, or the one client."""
    rows = await session.execute(_PARTS, {"ids": list(clients)})
    return {row.tenant_id: parse_parts(row.tokens) for row in rows}


async def set_parts(session: AsyncSession, parts: ClientBrandParts, *, now: datetime) -> None:
    """Replace the client's parts; an empty part shows the MSP's. Open pages change with their next load.

    Raises:
        Forbidden: the account is the MSP's.
    """
    scope = _client_scope(session)
    tokens = msgspec.to_builtins(parts)
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id}
    values = {"tokens": tokens, "changed_at": now}
    statement = insert(ClientBrandRow).values(**own, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    _record(session, ClientBrandAction.SET, {"tokens": tokens}, now=now)


async def set_client_image(session: AsyncSession, *, kind: ImageKind, content: bytes, now: datetime) -> None:
    """Store an uploaded file as the client's image of this kind, drawn again.

    Raises:
        InvalidImage: the file is no usable image, or a logo for dark pages without a logo.
        Forbidden: the account is the MSP's.
    """
    scope, known = _client_scope(session), await read_client_brand(session)
    if kind is ImageKind.LOGO_DARK and ImageKind.LOGO not in known.images:
        raise InvalidImage(N_("Upload the logo first. The one for dark pages replaces it there."))
    image = await asyncio.to_thread(prepare_image, content, kind)
    hashed = hashlib.sha256(image.content).hexdigest()[:HASH_DIGITS]
    own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id}
    values: dict[str, Any] = {"content": image.content, "hash": hashed, "changed_at": now}
    values |= {name: getattr(image, name) for name in _SIZES}
    # Images are read with the client's parts, so a row of parts must exist.
    parts = insert(ClientBrandRow).values(**own, tokens={}, changed_at=now)
    await session.execute(parts.on_conflict_do_nothing())
    statement = insert(ClientBrandImageRow).values(**own, kind=kind, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "kind"], set_=values))
    _record(session, ClientBrandAction.IMAGE_SET, {"kind": kind, "sha256": hashed}, now=now)


async def remove_client_image(session: AsyncSession, *, kind: ImageKind, now: datetime) -> None:
    """Show the MSP's image again. Without a logo, there is none for dark pages either.

    Raises:
        NotFound: the client has no such image.
    """
    scope, known = _client_scope(session), await read_client_brand(session)
    if kind not in known.images:
        raise NotFound(N_("This brand has no such image."))
    removed = [kind, ImageKind.LOGO_DARK] if kind is ImageKind.LOGO else [kind]
    own = (ClientBrandImageRow.tenant_id == scope.tenant_id, ClientBrandImageRow.kind.in_(removed))
    await session.execute(delete(ClientBrandImageRow).where(*own))
    _record(session, ClientBrandAction.IMAGE_REMOVED, {"kind": kind}, now=now)


async def read_client_image(session: AsyncSession, kind: ImageKind) -> bytes | None:
    own = (ClientBrandImageRow.tenant_id == scope_of(session).tenant_id, ClientBrandImageRow.kind == kind)
    found: bytes | None = await session.scalar(select(ClientBrandImageRow.content).where(*own))
    return found


def client_image_reader(database: Database) -> ClientImageReader:
    async def read(host: str, hashed: str) -> bytes | None:
        async with database.transaction(None, host=normal_host(host)) as session:
            await session.execute(_ASK, {"brand": hashed})
            statement = select(ClientBrandImageRow.content).where(ClientBrandImageRow.hash == hashed).limit(1)
            found: bytes | None = await session.scalar(statement)
            return found

    return read


def _client_scope(session: AsyncSession) -> Scope:
    """Raises: Forbidden."""
    scope = scope_of(session)
    if scope.tenant_id == scope.msp_id:
        raise Forbidden(N_("Only clients replace parts of their service provider's brand."))
    return scope


def _image(stored: dict[str, Any]) -> BrandImage:
    kind = ImageKind(stored["kind"])
    sizes = {name: stored[name] for name in _SIZES}
    return BrandImage(kind, f"{FILES}/{stored['hash']}.png", is_of_client=True, **sizes)


def _record(session: AsyncSession, action: ClientBrandAction, data: dict[str, object], *, now: datetime) -> None:
    append_audit(session, action=action, subject=f"client:{scope_of(session).tenant_id}", data=data, at=now)
