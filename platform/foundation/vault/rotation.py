"""Key rotation without downtime. Reads work at every step; each step is a separate transaction.

A leaked or old data key: `rotate_data_key`, then `reencrypt` until it returns 0. A leaked or old key-encryption key:
prepend a new one to the vault keys, restart, then `rewrap` every tenant; the old one can be removed from the settings
when no row references it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.audit.own_actions import VaultAction
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.marks import N_
from foundation.vault import envelope, repository
from foundation.vault.states import DataKeyState
from foundation.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column of sealed values. `purpose` may name the key columns, e.g. "connection:{id}:secrets"."""

    table: str
    column: str
    purpose: str
    keys: tuple[str, ...] = ("id",)

    def __post_init__(self) -> None:
        # The names become SQL text; they come from code, and this check ensures it.
        for name in (self.table, self.column, *self.keys):
            if not name.isidentifier():
                raise ValueError(f"{name!r} is not the name of a table or column")


async def rotate_data_key(session: AsyncSession, vault: Vault) -> UUID:
    """Create a new active key; values sealed by old keys still open. Waits for transactions that are currently sealing.

    Raises:
        Conflict: another rotation of this tenant won.
    """
    draining = await repository.change_state(session, old=DataKeyState.ACTIVE, new=DataKeyState.DRAINING)
    key_id = await vault.add_active_key(session)
    if key_id is None:
        raise Conflict(N_("This account's data key has just been rotated by another process."))
    append_audit(
        session,
        action=VaultAction.VAULT_KEY_ROTATED,
        subject=f"vault_key:{key_id}",
        data={"draining": [str(old) for old in draining]},
        at=vault.clock(),
    )
    return key_id


async def reencrypt(session: AsyncSession, vault: Vault, *, columns: Sequence[EncryptedColumn], batch: int) -> int:
    """Re-encrypt up to `batch` values under the active key and return their number.

    When none is left, 0 is returned and the draining keys are retired. `columns` must name every sealed column.
    """
    active = await repository.find_active(session)
    if active is None:
        return 0
    done = 0
    for column in columns:
        if done < batch:
            done += await _reencrypt_column(session, vault, column, active[0], batch - done)
    at = vault.clock()
    if done:
        subject = f"vault_key:{active[0]}"
        append_audit(session, action=VaultAction.VAULT_REENCRYPTED, subject=subject, data={"values": done}, at=at)
        return done
    for key_id in await repository.change_state(session, old=DataKeyState.DRAINING, new=DataKeyState.RETIRED):
        append_audit(session, action=VaultAction.VAULT_KEY_RETIRED, subject=f"vault_key:{key_id}", data={}, at=at)
    return 0


async def _reencrypt_column(
    session: AsyncSession, vault: Vault, column: EncryptedColumn, active: UUID, limit: int
) -> int:
    tenant_id = scope_of(session).tenant_id
    keys = ", ".join(column.keys)
    rows = await session.execute(
        text(f"""
            SELECT {keys}, {column.column} AS sealed FROM {column.table}
             WHERE tenant_id = :t AND {column.column} IS NOT NULL
               AND substring({column.column} FROM 2 FOR 16) <> :active
             ORDER BY {keys} LIMIT :limit FOR UPDATE
        """),
        {"t": tenant_id, "active": active.bytes, "limit": limit},
    )
    updates: list[dict[str, Any]] = []
    for row in rows.mappings().all():
        named = {key: row[key] for key in column.keys}
        purpose = column.purpose.format(**named)
        clear = await vault.decrypt(session, purpose, bytes(row["sealed"]))
        updates.append({**named, "t": tenant_id, "sealed": await vault.encrypt(session, purpose, clear)})
    if updates:
        matches = " AND ".join(f"{key} = :{key}" for key in column.keys)
        await session.execute(
            text(f"UPDATE {column.table} SET {column.column} = :sealed WHERE tenant_id = :t AND {matches}"), updates
        )
    return len(updates)


async def rewrap(session: AsyncSession, vault: Vault) -> int:
    """Rewrap the tenant's data keys under the current key-encryption key; sealed values are unchanged.

    Raises:
        VaultSealed: a key-encryption key that is still needed is not configured. Nothing was changed.
    """
    ring, tenant_id = vault.key_ring, scope_of(session).tenant_id
    found = await repository.keys_wrapped_otherwise(session, ring.current)
    if not found:
        return 0
    fresh = {
        key_id: envelope.wrap(ring, tenant_id, key_id, envelope.unwrap(ring, tenant_id, key_id, wrapped))
        for key_id, wrapped in found
    }
    await repository.store_wrapped(session, fresh)
    append_audit(
        session,
        action=VaultAction.VAULT_REWRAPPED,
        subject=f"kek:{ring.current}",
        data={"keys": [str(key_id) for key_id in fresh]},
        at=vault.clock(),
    )
    return len(fresh)


async def destroy_keys(session: AsyncSession, vault: Vault) -> int:
    """Destroy the tenant's data keys: all values sealed for it become unreadable for ever, in backups too.

    Other processes may still open values for `vault.CACHE_LIFE`.
    """
    destroyed = await repository.delete_keys(session)
    vault.evict(scope_of(session).tenant_id)
    append_audit(
        session,
        action=VaultAction.VAULT_KEYS_DESTROYED,
        subject=f"tenant:{scope_of(session).tenant_id}",
        data={"keys": [str(key_id) for key_id in destroyed]},
        at=vault.clock(),
    )
    return len(destroyed)
