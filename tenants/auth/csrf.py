"""CSRF protection: a token bound to the session, and the browser's `Origin` and `Sec-Fetch-Site` headers."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from tenants.errors import CrossSiteRequest
from tenants.secrets import NewSecret, bytes_of, text_of

FIELD: Final = "_csrf_token"
"""Field name in branding's forms."""

HEADER: Final = "x-csrf-token"
"""Header sent by htmx, from the page's `hx-headers`."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_MAC_BYTES: Final = 32


def make_token(secret: bytes, new_secret: NewSecret) -> str:
    """Token for the session (or, before sign-in, the visit) with this secret.

    Each token is masked afresh, so that a page's compressed length does not leak it (BREACH).
    """
    mask = new_secret(_MAC_BYTES)
    return text_of(mask + _xor(mask, _mac(secret)))


def is_token(token: str, secret: bytes) -> bool:
    raw = bytes_of(token, 2 * _MAC_BYTES)
    if raw is None:
        return False
    return hmac.compare_digest(_xor(raw[:_MAC_BYTES], raw[_MAC_BYTES:]), _mac(secret))


def require_same_site(
    *, method: str, headers: Mapping[str, str], origin: str, token: str, secret: bytes | None
) -> None:
    """Accept a safe method, or an unsafe one from our own pages. `origin` is this host's, e.g.
    https://portal.example.

    Browsers send `Origin` with every unsafe request, and `Sec-Fetch-Site` with all; where present they must agree.

    Raises:
        CrossSiteRequest: the token is missing or of another session, or the request came from another site.
    """
    if method.upper() in SAFE_METHODS:
        return
    require_own_origin(headers, origin)
    if secret is None or not is_token(token, secret):
        raise CrossSiteRequest


def require_own_origin(headers: Mapping[str, str], origin: str) -> None:
    """Raises: CrossSiteRequest."""
    sent, fetched = headers.get("origin"), headers.get("sec-fetch-site")
    if sent is not None and _normal(sent) != _normal(origin):
        raise CrossSiteRequest
    if fetched is not None and fetched not in ("same-origin", "none"):
        raise CrossSiteRequest


def _normal(origin: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(origin)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return ("", origin, 0)
    return (parts.scheme, parts.hostname or origin, port)


def _mac(secret: bytes) -> bytes:
    return hmac.new(secret, b"csrf", hashlib.sha256).digest()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
