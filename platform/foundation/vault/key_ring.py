"""Key-encryption keys. Stored in the environment or a file, never in the database."""

import base64
import binascii
import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from foundation.marks import N_
from foundation.vault.errors import VaultSealed

KEY_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class KeyRing:
    """Keys by id. New data keys are wrapped under `current`; the others only unwrap."""

    def __init__(self, keys: Mapping[str, bytes], *, current: str) -> None:
        if current not in keys:
            raise ValueError(f"the current key {current!r} is not among the given keys")
        for key_id, key in keys.items():
            if not _ID.fullmatch(key_id):
                raise ValueError("a key id has 1 to 64 letters, digits, dots, hyphens or underscores")
            if len(key) != KEY_BYTES:
                raise ValueError(f"key {key_id} has {len(key)} bytes; it needs exactly {KEY_BYTES}")
        self._keys = dict(keys)
        self.current = current

    def __repr__(self) -> str:
        return f"KeyRing(ids={sorted(self._keys)}, current={self.current!r})"

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Parse `k2:base64,k1:base64`. The first is current, so keys are rotated by prepending a new one.

        Raises:
            ValueError: describes the mistake, without showing a key.
        """
        keys: dict[str, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            key_id, separator, encoded = entry.partition(":")
            if not separator:
                raise ValueError("each vault key is written as id:base64")
            if key_id in keys:
                raise ValueError(f"the vault key id {key_id} is given twice")
            try:
                keys[key_id] = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise ValueError(f"the vault key {key_id} is not base64") from None
        if not keys:
            raise ValueError("no vault key is given; make one with `openssl rand -base64 32` and write k1:<that>")
        return cls(keys, current=next(iter(keys)))

    @classmethod
    def load_or_create(cls, path: Path) -> "KeyRing":
        """Load the ring in `path`, created there with one random key if absent: the embedded default, for one machine.

        Losing this file means losing every secret sealed under it.
        """
        with contextlib.suppress(FileNotFoundError):
            return cls.parse(path.read_text(encoding="ascii"))
        text = "k1:" + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # The link fails if another process was first; then that process's key is used.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
        return cls.parse(path.read_text(encoding="ascii"))

    def get(self, key_id: str) -> bytes:
        """The key with this id. Raises `VaultSealed` when it is not configured."""
        try:
            return self._keys[key_id]
        except KeyError:
            raise VaultSealed(
                N_(
                    "The key {key_id} that protects this account's secrets is not configured. Add it to the vault "
                    "keys again, behind the current one, and restart."
                ),
                params={"key_id": key_id},
            ) from None
