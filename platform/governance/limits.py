"""How long a page of the API may be."""

from typing import Final

from foundation.errors import InvalidInput

MOST: Final = 200
USUAL: Final = 50


def check_limit(limit: int) -> int:
    """Raises InvalidInput."""
    if not 1 <= limit <= MOST:
        raise InvalidInput(f"A page has 1 to {MOST} items.", field="limit")
    return limit
