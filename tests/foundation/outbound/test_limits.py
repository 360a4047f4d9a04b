"""Pauses that a response's headers request."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.outbound.limits import requested_pause

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
SKEWED = "Sun, 22 Nov 2026 11:00:00 GMT"  # the sender's clock is an hour behind ours


@pytest.mark.parametrize(
    ("status", "headers", "pause"),
    [
        (200, {}, 0),
        (429, {}, 1),
        (503, {}, 0),
        (500, {"retry-after": "9"}, 0),
        (429, {"retry-after": "7"}, 7),
        (503, {"retry-after": "120"}, 120),
        (429, {"retry-after": "1.5"}, 1.5),
        (429, {"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, 30),
        (429, {"retry-after": "Sun, 22 Nov 2026 11:00:30 GMT", "date": SKEWED}, 30),
        (429, {"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
        (429, {"retry-after": "soon"}, 1),
        (429, {"retry-after": "-5"}, 1),
        (429, {"retry-after": "nan"}, 1),
        (429, {"retry-after": "9" * 400}, 1),
        (429, {"x-ratelimit-reset": "12"}, 12),
        (429, {"ratelimit-reset": "12"}, 12),
        (429, {"x-rate-limit-reset": str(EPOCH + 40)}, 40),
        (429, {"x-ratelimit-reset": str((EPOCH + 40) * 1000)}, 40),
        (429, {"x-ratelimit-reset": str(EPOCH - 3600 + 40), "date": SKEWED}, 40),
        (429, {"retry-after": "3", "x-ratelimit-reset": "12"}, 3),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "20"}, 20),
        (200, {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "20"}, 0),
        (200, {"ratelimit-remaining": "0"}, 0),
        (404, {"ratelimit-remaining": "0", "ratelimit-reset": "5"}, 5),
    ],
)
def test_the_requested_pause_is_parsed(status: int, headers: dict[str, str], pause: float) -> None:
    assert requested_pause(status, headers, NOW) == pause


names = st.sampled_from(["retry-after", "date", "x-ratelimit-reset", "x-ratelimit-remaining", "ratelimit-reset"])


@given(st.integers(100, 599), st.dictionaries(names, st.text(max_size=30) | st.floats().map(str)))
def test_no_header_breaks_it(status: int, headers: dict[str, str]) -> None:
    pause = requested_pause(status, headers, NOW)

    assert math.isfinite(pause)
    assert pause >= 0
