"""The two layers of envelope encryption, on bytes; no I/O.

AES-256-GCM with random 96-bit nonces: one data key seals at most 2**32 values (NIST SP 800-38D §8.3), far above the
number of secrets a tenant has. Nonces come from the operating system here and cannot be passed in: a repeated nonce
would reveal the key.
"""

import os
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.marks import N_
from foundation.vault.errors import CiphertextInvalid
from foundation.vault.key_ring import KEY_BYTES, KeyRing

VERSION: Final = 1
_KEY_ID = slice(1, 17)
_NONCE = slice(17, 29)
_BODY = slice(29, None)
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SHORTEST = 1 + 16 + _NONCE_BYTES + _TAG_BYTES


class WrappedKey(NamedTuple):
    kek_id: str
    wrapped: bytes


def new_data_key() -> bytes:
    return os.urandom(KEY_BYTES)


def wrap(ring: KeyRing, tenant_id: UUID, key_id: UUID, data_key: bytes) -> WrappedKey:
    """Encrypt `data_key` under the ring's current key, bound to its tenant and id. The wrapping key's id is
    included.
    """
    kek_id = ring.current
    nonce = os.urandom(_NONCE_BYTES)
    name = kek_id.encode()
    header = bytes([VERSION, len(name)]) + name
    body = AESGCM(ring.get(kek_id)).encrypt(nonce, data_key, header + tenant_id.bytes + key_id.bytes)
    return WrappedKey(kek_id, header + nonce + body)


def unwrap(ring: KeyRing, tenant_id: UUID, key_id: UUID, wrapped: bytes) -> bytes:
    """Decrypt a data key. Raises `VaultSealed` when the wrapping key is not configured, `CiphertextInvalid` when the
    bytes were altered.
    """
    if len(wrapped) < 2 or wrapped[0] != VERSION:
        raise CiphertextInvalid(_ALTERED_KEY)
    end = 2 + wrapped[1]
    header, nonce, body = wrapped[:end], wrapped[end : end + _NONCE_BYTES], wrapped[end + _NONCE_BYTES :]
    try:
        kek_id = header[2:].decode("ascii")
        return AESGCM(ring.get(kek_id)).decrypt(nonce, body, header + tenant_id.bytes + key_id.bytes)
    except (InvalidTag, ValueError):
        raise CiphertextInvalid(_ALTERED_KEY) from None


def seal(cipher: AESGCM, tenant_id: UUID, key_id: UUID, purpose: str, plaintext: bytes) -> bytes:
    """Ciphertext: version byte, key id (16 bytes), nonce (12), ciphertext with tag (16 longer than the plaintext)."""
    nonce = os.urandom(_NONCE_BYTES)
    return bytes([VERSION]) + key_id.bytes + nonce + cipher.encrypt(nonce, plaintext, _bound(tenant_id, purpose))


def unseal(cipher: AESGCM, tenant_id: UUID, purpose: str, ciphertext: bytes) -> bytes:
    try:
        return cipher.decrypt(ciphertext[_NONCE], ciphertext[_BODY], _bound(tenant_id, purpose))
    except InvalidTag:
        raise CiphertextInvalid(
            N_("A stored secret was altered or belongs to another setting. Enter it again.")
        ) from None


def key_id_of(ciphertext: bytes) -> UUID:
    """Id of the data key that sealed the ciphertext. Raises `CiphertextInvalid` for bytes of another format."""
    if len(ciphertext) < _SHORTEST or ciphertext[0] != VERSION:
        raise CiphertextInvalid(N_("A stored secret is damaged. Enter it again."))
    return UUID(bytes=ciphertext[_KEY_ID])


def _bound(tenant_id: UUID, purpose: str) -> bytes:
    # The tenant's 16 bytes have a fixed length, so no two pairs of tenant and purpose have the same bytes.
    return tenant_id.bytes + b"|" + purpose.encode()


_ALTERED_KEY = N_(
    "This account's data key does not open: the key above it was replaced under the same id, or the stored bytes were"
    " altered. Put the former key back, or restore the data key from a backup."
)
