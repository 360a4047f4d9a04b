"""Sealing and opening of a tenant's secrets."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.audit.own_actions import VaultAction
from foundation.clock import Clock
from foundation.database.engine import scope_of
from foundation.errors import Conflict
from foundation.ids import NewId
from foundation.marks import N_
from foundation.vault import envelope, repository
from foundation.vault.errors import CiphertextInvalid
from foundation.vault.key_ring import KeyRing

CACHED_KEYS = 1024
CACHE_LIFE = timedelta(minutes=5)
_ATTEMPTS = 3


class Vault:
    """Vault of a process. Unwrapped data keys are cached for `CACHE_LIFE`, after which destroyed keys are unusable
    everywhere.

    `purpose` is the use of a value, e.g. "connection:<id>:secrets"; a value opens only for the same purpose.
    """

    def __init__(self, key_ring: KeyRing, new_id: NewId, clock: Clock) -> None:
        self.key_ring = key_ring
        self.new_id = new_id
        self.clock = clock
        self._ciphers: OrderedDict[tuple[UUID, UUID], tuple[AESGCM, datetime]] = OrderedDict()

    async def encrypt(self, session: AsyncSession, purpose: str, plaintext: bytes) -> bytes:
        tenant_id = scope_of(session).tenant_id
        key_id, wrapped = await self._active(session)
        return envelope.seal(self._cipher(tenant_id, key_id, wrapped), tenant_id, key_id, purpose, plaintext)

    async def decrypt(self, session: AsyncSession, purpose: str, ciphertext: bytes) -> bytes:
        """Plaintext. Raises `CiphertextInvalid`, or `VaultSealed` when the tenant's wrapping key is not configured."""
        tenant_id = scope_of(session).tenant_id
        key_id = envelope.key_id_of(ciphertext)
        cipher = self._cached(tenant_id, key_id)
        if cipher is None:
            wrapped = await repository.find_wrapped(session, key_id)
            if wrapped is None:
                raise CiphertextInvalid(_NO_KEY)
            cipher = self._cipher(tenant_id, key_id, wrapped)
        return envelope.unseal(cipher, tenant_id, purpose, ciphertext)

    def open_with(self, tenant_id: UUID, wrapped: Mapping[UUID, bytes], purpose: str, ciphertext: bytes) -> bytes:
        """Decrypt with the tenant's rows of `vault_key` (id, wrapped) as the caller read them; for intake, which has no
        session of the tenant. A key that is not among the rows is never taken from the cache.
        """
        key_id = envelope.key_id_of(ciphertext)
        if key_id not in wrapped:
            raise CiphertextInvalid(_NO_KEY)
        return envelope.unseal(self._cipher(tenant_id, key_id, wrapped[key_id]), tenant_id, purpose, ciphertext)

    def evict(self, tenant_id: UUID) -> None:
        """Remove the tenant's unwrapped keys from this process."""
        for key in [key for key in self._ciphers if key[0] == tenant_id]:
            del self._ciphers[key]

    async def add_active_key(self, session: AsyncSession) -> UUID | None:
        """Create and audit a new data key; None when another transaction was first."""
        tenant_id = scope_of(session).tenant_id
        key_id, at = self.new_id(), self.clock()
        key = envelope.wrap(self.key_ring, tenant_id, key_id, envelope.new_data_key())
        if not await repository.insert_active(session, key_id, key, at):
            return None
        append_audit(
            session,
            action=VaultAction.VAULT_KEY_CREATED,
            subject=f"vault_key:{key_id}",
            data={"kek_id": key.kek_id},
            at=at,
        )
        return key_id

    async def _active(self, session: AsyncSession) -> tuple[UUID, bytes]:
        # A rotation that commits while this transaction waits for its row leaves no active row; the next read returns
        # the new key.
        for _ in range(_ATTEMPTS):
            found = await repository.find_active(session)
            if found is not None:
                return found
            await self.add_active_key(session)
        raise Conflict(N_("This account's data key is being changed right now. Try again."))

    def _cached(self, tenant_id: UUID, key_id: UUID) -> AESGCM | None:
        entry = self._ciphers.get((tenant_id, key_id))
        if entry is None:
            return None
        cipher, since = entry
        if not timedelta(0) <= self.clock() - since < CACHE_LIFE:
            del self._ciphers[tenant_id, key_id]
            return None
        self._ciphers.move_to_end((tenant_id, key_id))
        return cipher

    def _cipher(self, tenant_id: UUID, key_id: UUID, wrapped: bytes) -> AESGCM:
        cipher = self._cached(tenant_id, key_id)
        if cipher is None:
            cipher = AESGCM(envelope.unwrap(self.key_ring, tenant_id, key_id, wrapped))
            self._ciphers[tenant_id, key_id] = (cipher, self.clock())
            while len(self._ciphers) > CACHED_KEYS:
                self._ciphers.popitem(last=False)
        return cipher


_NO_KEY = N_("The data key of this secret no longer exists, so the secret cannot be decrypted. Enter it again.")
