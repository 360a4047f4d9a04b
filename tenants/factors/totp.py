"""Codes of authenticator apps (RFC 6238: 6 digits, 30 s, SHA-1, which all apps support), and recovery codes."""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

import pyotp
import segno

from foundation.text import TextInvalid, normalize_password
from tenants.secrets import NewSecret

_SECRET_BYTES: Final = 20
STEP_SECONDS: Final = 30
_WINDOW: Final = 1
"""Steps before and after the present one whose codes are accepted: clocks differ, and people type slowly."""
CODES: Final = 10
_CODE_BYTES: Final = 10
_GROUP: Final = 4


def new_totp_secret(new_secret: NewSecret) -> str:
    """A new secret in base32, as apps expect."""
    return base64.b32encode(new_secret(_SECRET_BYTES)).decode()


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step of the code; None if it is not one of the accepted codes."""
    digits = "".join(code.split())
    step = int(now.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    found = None
    for one in range(step - _WINDOW, step + _WINDOW + 1):
        if hmac.compare_digest(totp.generate_otp(one).encode(), digits.encode()):
            found = one
    return found


def provisioning_uri(secret: str, *, email: str, issuer: str) -> str:
    """Address that apps read from the QR code. `issuer` is the brand's name."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def draw_qr(uri: str) -> str:
    """The QR code as an SVG element with attributes only, as the content security policy needs. On white: cameras
    read dark on light.
    """
    return str(segno.make(uri, error="m").svg_inline(scale=4, dark="#000", light="#fff", svgclass="qr", lineclass=None))


def new_recovery_codes(new_secret: NewSecret) -> list[str]:
    """New codes such as ABCD-EFGH-IJKL-MNOP."""
    return [_grouped(base64.b32encode(new_secret(_CODE_BYTES)).decode()) for _ in range(CODES)]


def recovery_hash(typed: str) -> bytes:
    """SHA-256 of a recovery code, however it was grouped and typed."""
    try:
        plain = normalize_password(typed) if typed else ""
    except TextInvalid:
        plain = ""
    return hashlib.sha256("".join(c for c in plain.upper() if c.isalnum()).encode()).digest()


def _grouped(code: str) -> str:
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))
