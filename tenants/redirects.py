"""Where a form may lead: to pages of the same host only."""

import re
from typing import Final

_PATH: Final = re.compile(r"/(?:[\w!$&'()*+,;=:@%~.-][\w!$&'()*+,;=:@%~./?-]*)?", re.ASCII)
_LONGEST: Final = 500


def safe_next(target: str) -> str:
    """`target` if it is a path on this host, else an empty text. An address like `//host` is none."""
    return target if len(target) <= _LONGEST and _PATH.fullmatch(target) else ""
