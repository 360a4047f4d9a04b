"""E-mail addresses of members."""

import re
from typing import Final

from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.text import TextInvalid, normalize_email

_EMAIL = re.compile(r"[^\s@<>\"',;:\\]{1,64}@[^\s@<>\"',;:\\]{1,190}\.[^\s@<>\"',;:\\.]{2,63}")
LONGEST_EMAIL: Final = 254


def clean_email(email: str) -> str:
    """Normalized e-mail address for storage and comparison (`normalize_email`)."""
    try:
        cleaned = normalize_email(email)
    except TextInvalid:
        cleaned = ""
    if len(cleaned) > LONGEST_EMAIL or not _EMAIL.fullmatch(cleaned):
        raise InvalidInput(N_("This is not an e-mail address, such as name@example.com."), field="email")
    return cleaned
