"""SQL of data keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.vault.envelope import WrappedKey
from foundation.vault.states import DATA_KEYS, IS_ACTIVE, DataKeyState


async def find_active(session: AsyncSession) -> tuple[UUID, bytes] | None:
    """(id, wrapped) of the active key. Shared lock: a rotation waits for transactions that are sealing under the old
    key.
    """
    row = (
        await session.execute(
            text(f"SELECT id, wrapped FROM vault_key WHERE tenant_id = :t AND {IS_ACTIVE} FOR SHARE"),
            {"t": scope_of(session).tenant_id},
        )
    ).one_or_none()
    return None if row is None else (row.id, bytes(row.wrapped))


async def find_wrapped(session: AsyncSession, key_id: UUID) -> bytes | None:
    found = await session.execute(
        text("SELECT wrapped FROM vault_key WHERE tenant_id = :t AND id = :id"),
        {"t": scope_of(session).tenant_id, "id": key_id},
    )
    wrapped = found.scalar_one_or_none()
    return None if wrapped is None else bytes(wrapped)


async def insert_active(session: AsyncSession, key_id: UUID, key: WrappedKey, at: datetime) -> bool:
    """Insert the tenant's active key. False when another transaction inserted one first."""
    scope = scope_of(session)
    inserted = await session.execute(
        text(f"""
            INSERT INTO vault_key (tenant_id, msp_id, id, wrapped, kek_id, state, created_at)
            VALUES (:tenant_id, :msp_id, :id, :wrapped, :kek_id, '{DataKeyState.ACTIVE}', :at)
            ON CONFLICT (tenant_id) WHERE {IS_ACTIVE} DO NOTHING
            RETURNING id
        """),
        {
            "tenant_id": scope.tenant_id,
            "msp_id": scope.msp_id,
            "id": key_id,
            "wrapped": key.wrapped,
            "kek_id": key.kek_id,
            "at": at,
        },
    )
    return inserted.one_or_none() is not None


async def change_state(session: AsyncSession, *, old: DataKeyState, new: DataKeyState) -> list[UUID]:
    DATA_KEYS.move(old, new)
    changed = await session.execute(
        text("UPDATE vault_key SET state = :new WHERE tenant_id = :t AND state = :old RETURNING id"),
        {"t": scope_of(session).tenant_id, "old": old.value, "new": new.value},
    )
    return list(changed.scalars())


async def keys_wrapped_otherwise(session: AsyncSession, kek_id: str) -> list[tuple[UUID, bytes]]:
    """(id, wrapped) of the tenant's keys that are not wrapped under `kek_id`, locked."""
    rows = await session.execute(
        text("SELECT id, wrapped FROM vault_key WHERE tenant_id = :t AND kek_id <> :kek ORDER BY id FOR UPDATE"),
        {"t": scope_of(session).tenant_id, "kek": kek_id},
    )
    return [(row.id, bytes(row.wrapped)) for row in rows]


async def store_wrapped(session: AsyncSession, keys: Mapping[UUID, WrappedKey]) -> None:
    tenant_id = scope_of(session).tenant_id
    await session.execute(
        text("UPDATE vault_key SET wrapped = :wrapped, kek_id = :kek WHERE tenant_id = :t AND id = :id"),
        [{"t": tenant_id, "id": key_id, "wrapped": k.wrapped, "kek": k.kek_id} for key_id, k in keys.items()],
    )


async def delete_keys(session: AsyncSession) -> Sequence[UUID]:
    deleted = await session.execute(
        text("DELETE FROM vault_key WHERE tenant_id = :t RETURNING id"), {"t": scope_of(session).tenant_id}
    )
    return list(deleted.scalars())
