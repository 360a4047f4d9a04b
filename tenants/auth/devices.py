"""Known devices: a signed cookie that gives a known browser its own counter of failed sign-ins.

Failures elsewhere do not delay a known browser. The cookie grants no access: the password is still required. A copied
cookie gives an attacker one more counter, and at worst the browser loses its exemption. Cookies end with the member's
sessions: a new password, a suspension and "sign out everywhere" invalidate all earlier ones.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from tenants.secrets import NewSecret, bytes_of, text_of

LIFE: Final = timedelta(days=180)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST: Final = 5
"""Limit of members remembered in a shared browser's cookie, latest first."""
_NONCE_BYTES: Final = 16
_TIME_BYTES: Final = 8
_BODY_BYTES: Final = 16 + 16 + _NONCE_BYTES + _TIME_BYTES
_MAC_BYTES: Final = 32
_TOKEN_LENGTH: Final = len(text_of(bytes(_BODY_BYTES + _MAC_BYTES)))


@dataclass(frozen=True, slots=True)
class Device:
    """A browser in which this member signed in at `since`. `nonce` names its counter."""

    tenant_id: UUID
    member_id: UUID
    since: datetime
    nonce: bytes = field(repr=False)


class Devices:
    def __init__(self, new_secret: NewSecret, key: bytes = b"") -> None:
        """`key` is shared by all web processes. Without one, cookies are valid in this process only."""
        self._new_secret = new_secret
        self._key = hmac.new(key or secrets.token_bytes(_MAC_BYTES), b"device", hashlib.sha256).digest()

    def remember(self, cookie: str, *, msp_id: UUID, tenant_id: UUID, member_id: UUID, now: datetime) -> str:
        """The cookie with this member's sign-in first, followed by its earlier entries."""
        ids = tenant_id.bytes + member_id.bytes
        microseconds = (now - _EPOCH) // timedelta(microseconds=1)
        body = ids + self._new_secret(_NONCE_BYTES) + microseconds.to_bytes(_TIME_BYTES, "big")
        others = [token for token, old in _tokens(cookie) if not old.startswith(ids)]
        return ".".join([text_of(body + self._mac(msp_id, body)), *others[: _MOST - 1]])

    def adopt(self, cookie: str, token: str) -> str:
        """The cookie with a device link's token first (`tenants.members.device_links`)."""
        ids = next(raw for _, raw in _tokens(token))[:32]
        others = [other for other, raw in _tokens(cookie) if not raw.startswith(ids)]
        return ".".join([token, *others[: _MOST - 1]])

    def recognize(self, cookie: str, *, msp_id: UUID, now: datetime) -> list[Device]:
        """Verified sign-ins of the cookie, in this MSP."""
        return [
            device
            for _, raw in _tokens(cookie)
            if hmac.compare_digest(raw[_BODY_BYTES:], self._mac(msp_id, raw[:_BODY_BYTES]))
            and now - (device := _device(raw)).since < LIFE
        ]

    def _mac(self, msp_id: UUID, body: bytes) -> bytes:
        return hmac.new(self._key, msp_id.bytes + body, hashlib.sha256).digest()


def _tokens(cookie: str) -> Iterator[tuple[str, bytes]]:
    """Well-formed tokens, unverified."""
    for token in cookie[: _MOST * (_TOKEN_LENGTH + 1)].split("."):
        raw = bytes_of(token, _BODY_BYTES + _MAC_BYTES)
        if raw is not None:
            yield token, raw


def _device(raw: bytes) -> Device:
    since = _EPOCH + timedelta(microseconds=int.from_bytes(raw[32 + _NONCE_BYTES : _BODY_BYTES], "big"))
    return Device(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), since, raw[32 : 32 + _NONCE_BYTES])
