"""Bodies of the API of rate limits."""

from typing import Annotated, Final

import msgspec

from foundation.web.requests import RequestBody

LEAST: Final = 10
MOST: Final = 1_000_000
_Limit = Annotated[int, msgspec.Meta(ge=LEAST, le=MOST)]


class RateLimitInput(RequestBody, frozen=True):
    """Requests per minute of one caller, and of all callers of the account. Null is the default."""

    per_caller: _Limit | None = None
    per_account: _Limit | None = None


class RateLimitView(msgspec.Struct, frozen=True):
    """Requests per minute that apply, and those that were set."""

    per_caller: int
    per_account: int
    set_per_caller: int | None
    set_per_account: int | None
