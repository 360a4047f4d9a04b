"""Random secrets as text: URL-safe base64 without padding. The source of randomness is passed in."""

import base64
import binascii
import secrets
from collections.abc import Callable

NewSecret = Callable[[int], bytes]
"""Returns the given number of unpredictable bytes."""


def new_secret(length: int) -> bytes:
    return secrets.token_bytes(length)


def text_of(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def bytes_of(text: str, length: int) -> bytes | None:
    """Decode a secret. None for text that `text_of` would not have produced, so that one secret has one text."""
    try:
        secret = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None
    return secret if len(secret) == length and text_of(secret) == text else None
