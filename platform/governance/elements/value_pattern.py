"""Patterns of texts: regular expressions of RE2, which matches in linear time whatever the pattern is."""

from functools import lru_cache
from typing import Any, Final

import re2

LONGEST: Final = 200
"""Characters of a pattern."""
_MOST_MEMORY: Final = 1 << 20
"""Bytes of a compiled pattern: one that repeats more is refused."""


class PatternRefused(Exception):
    """The text is no pattern, or one that takes too much memory."""


def check_pattern(pattern: str) -> None:
    """Raises: PatternRefused."""
    _compile(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text has the form; `.` is any character, a line break too. Raises: PatternRefused."""
    return _compile(pattern).fullmatch(text) is not None


@lru_cache(1_000)
def _compile(pattern: str) -> Any:
    if not 0 < len(pattern) <= LONGEST:
        raise PatternRefused
    options = re2.Options()
    options.dot_nl, options.log_errors, options.max_mem = True, False, _MOST_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error:
        raise PatternRefused from None
