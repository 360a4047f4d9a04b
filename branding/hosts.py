"""Host names as requests carry them."""

import re

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")


def normal_host(header: str) -> str:
    """The name in a Host header: lower case, without port and final dot; empty when it is not a name."""
    name = header.strip().lower().partition(":")[0].removesuffix(".")
    return name if _HOST.fullmatch(name) else ""
