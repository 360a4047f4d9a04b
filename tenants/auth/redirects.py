"""Redirect targets of forms: pages of the same host only."""

import re
from typing import Final

_PATH: Final = re.compile(r"/(?:[\w!$&'()*+,;=:@%~.-][\w!$&'()*+,;=:@%~./?-]*)?", re.ASCII)
_LONGEST: Final = 500
_NOT_BACK: Final = ("/sign-in", "/sign-out", "/welcome/", "/forgot-password", "/reset-password/")
"""Not valid as a target after sign-in."""


def safe_next(target: str) -> str:
    """`target` if it is a path on this host, else an empty text. An address like `//host` is not a path."""
    if len(target) > _LONGEST or not _PATH.fullmatch(target) or target.startswith(_NOT_BACK):
        return ""
    return target
