"""Encryption of a backup's files: AES-256-GCM over chunks, under a data key that a passphrase or a public key protects.

Chunks are numbered and the last one is marked, so that truncation, repetition and reordering are detected (the STREAM
construction, Hoang et al. 2015). The data key is wrapped under a key from scrypt (RFC 7914), or by HPKE with X25519
(RFC 9180) for a public key in PEM form, whose private half need not be on this machine.
"""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from controlplane.backup.errors import BackupFailed, BackupInvalid

CHUNK: Final = 1024 * 1024
_TAG: Final = 16
_INFO: Final = b"fairlead backup v1"
_WORK: Final = 2**16  # scrypt's n: 64 MiB of memory, a fifth of a second
LEAST_PASSPHRASE: Final = 12


class WrappedDataKey(msgspec.Struct, frozen=True):
    """A wrapped data key and its parameters. All fields may be public."""

    kind: Literal["scrypt", "hpke-x25519"]
    wrapped: str
    salt: str = ""


class SealingKey(msgspec.Struct, frozen=True):
    data_key: bytes
    wrapped: WrappedDataKey

    def __repr__(self) -> str:
        return "SealingKey(…)"


def seal_under_passphrase(passphrase: str) -> SealingKey:
    if len(passphrase) < LEAST_PASSPHRASE:
        raise BackupFailed(f"The passphrase has fewer than {LEAST_PASSPHRASE} characters. Choose a longer one.")
    data_key, salt = secrets.token_bytes(32), secrets.token_bytes(16)
    wrapped = AESGCM(_from_passphrase(passphrase, salt)).encrypt(bytes(12), data_key, _INFO)
    return SealingKey(data_key, WrappedDataKey("scrypt", _text(wrapped), _text(salt)))


def seal_for_recipient(pem: bytes) -> SealingKey:
    try:
        key = load_pem_public_key(pem)
    except ValueError as error:
        raise BackupFailed("The recipient's key is not a public key in PEM form.") from error
    if not isinstance(key, X25519PublicKey):
        raise BackupFailed(
            "The recipient's key is not of type X25519. Make one with `openssl genpkey -algorithm X25519`."
        )
    data_key = secrets.token_bytes(32)
    return SealingKey(data_key, WrappedDataKey("hpke-x25519", _text(_suite().encrypt(data_key, key, info=_INFO))))


def open_with_passphrase(wrapped: WrappedDataKey, passphrase: str) -> bytes:
    if wrapped.kind != "scrypt":
        raise BackupInvalid("This backup is encrypted for a public key. Give its private key with --private-key.")
    try:
        return AESGCM(_from_passphrase(passphrase, b64decode(wrapped.salt))).decrypt(
            bytes(12), b64decode(wrapped.wrapped), _INFO
        )
    except (InvalidTag, ValueError) as error:
        raise BackupInvalid("The passphrase does not open this backup.") from error


def open_with_private_key(wrapped: WrappedDataKey, pem: bytes) -> bytes:
    if wrapped.kind != "hpke-x25519":
        raise BackupInvalid("This backup is encrypted under a passphrase. Give it with --passphrase-file.")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise BackupInvalid("The private key is not one in PEM form without a password.") from error
    if not isinstance(key, X25519PrivateKey):
        raise BackupInvalid("The private key is not of type X25519.")
    try:
        return _suite().decrypt(b64decode(wrapped.wrapped), key, info=_INFO)
    except (InvalidTag, ValueError) as error:
        raise BackupInvalid("The private key does not open this backup.") from error


def seal(data_key: bytes, name: str, plain: Iterable[bytes]) -> Iterator[bytes]:
    """Encrypt a file. `name` is bound to the ciphertext: decryption under another name fails."""
    cipher = AESGCM(_file_key(data_key, name))
    number, pending = 0, bytearray()
    for part in plain:
        pending += part
        while len(pending) > CHUNK:  # never the last chunk, which is marked
            yield cipher.encrypt(_nonce(number), bytes(pending[:CHUNK]), b"more")
            del pending[:CHUNK]
            number += 1
    yield cipher.encrypt(_nonce(number), bytes(pending), b"last")


def unseal(data_key: bytes, name: str, path: Path) -> Iterator[bytes]:
    """Decrypt a file, chunk by chunk.

    Raises:
        BackupInvalid: the file was truncated, changed or swapped; discard the chunks already returned.
    """
    cipher = AESGCM(_file_key(data_key, name))
    with path.open("rb") as file:
        part, number = file.read(CHUNK + _TAG), 0
        while part:
            following = file.read(CHUNK + _TAG)
            try:
                yield cipher.decrypt(_nonce(number), part, b"more" if following else b"last")
            except InvalidTag as error:
                raise BackupInvalid(f"{name} was cut or changed after it was written. Use another backup.") from error
            part, number = following, number + 1
        if number == 0:
            raise BackupInvalid(f"{name} is empty. Use another backup.")


def _file_key(data_key: bytes, name: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=_INFO + b" " + name.encode()).derive(data_key)


def _from_passphrase(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_WORK, r=8, p=1).derive(passphrase.encode())


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _text(data: bytes) -> str:
    return b64encode(data).decode()
