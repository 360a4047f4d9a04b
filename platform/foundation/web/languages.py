"""Headers that name the language of a response."""

from collections.abc import Iterable
from typing import Final

_WRITTEN: Final = (b"text/html", b"application/problem+json", b"application/json")
_VARY: Final = b"Accept-Language"


def name_language(headers: Iterable[tuple[bytes, bytes]], language: str) -> list[tuple[bytes, bytes]]:
    """`headers` with Content-Language, and with Vary, where the body has sentences."""
    found = list(headers)
    names = {name.lower(): value for name, value in found}
    if not names.get(b"content-type", b"").startswith(_WRITTEN):
        return found
    varies = [value for name, value in found if name.lower() == b"vary"]
    others = [(name, value) for name, value in found if name.lower() != b"vary"]
    return [*others, (b"vary", b", ".join([*varies, _VARY])), (b"content-language", language.encode())]
