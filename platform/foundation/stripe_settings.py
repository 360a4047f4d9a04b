"""Settings of an installation's own account at Stripe, the platform to which MSPs connect theirs."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

STRIPE_KEY: Final = "FAIRLEAD_STRIPE_KEY"
STRIPE_SIGNING_SECRET: Final = "FAIRLEAD_STRIPE_SIGNING_SECRET"  # noqa: S105 - the setting's name
STRIPE_FEE: Final = "FAIRLEAD_STRIPE_FEE_PERCENT"
_KEY: Final = re.compile(r"(?:sk|rk)_(test|live)_[A-Za-z0-9_]{4,240}")
_SIGNING: Final = re.compile(r"whsec_[A-Za-z0-9_+/=-]{4,240}")
_PERCENT: Final = Decimal(100)


class StripePlatform(msgspec.Struct, frozen=True):
    """The installation's account. Without a `key`, MSPs cannot connect accounts. `fee_basis_points` is the operator's
    share of each payment, in hundredths of a percent; webhooks of all connected accounts are signed with one secret.
    """

    key: str = ""
    signing_secret: str = ""
    fee_basis_points: int = 0

    def __repr__(self) -> str:
        return f"StripePlatform(fee_basis_points={self.fee_basis_points})"

    @property
    def mode(self) -> str:
        """`test` or `live`; empty without a key."""
        found = _KEY.fullmatch(self.key)
        return found[1] if found else ""


def read_stripe_platform(plain: Callable[[str], str], secret: Callable[[str], str]) -> StripePlatform:
    """Read the settings; `plain` returns the text of one, `secret` that of a secret.

    Raises:
        ValueError: names the setting that is not valid.
    """
    key, signing, percent = secret(STRIPE_KEY).strip(), secret(STRIPE_SIGNING_SECRET).strip(), plain(STRIPE_FEE).strip()
    if key and not _KEY.fullmatch(key):
        raise ValueError(f"{STRIPE_KEY} is no secret key of Stripe. It begins with sk_test_, sk_live_ or rk_.")
    if signing and not _SIGNING.fullmatch(signing):
        raise ValueError(f"{STRIPE_SIGNING_SECRET} is no signing secret of Stripe. It begins with whsec_.")
    try:
        points = Decimal(percent or "0") * 100 if percent.isascii() and len(percent) < 8 else Decimal(-1)
    except InvalidOperation:
        points = Decimal(-1)
    if not points.is_finite() or not 0 <= points < _PERCENT * 100 or points != int(points):
        raise ValueError(f"{STRIPE_FEE} is no percentage from 0 to 99.99, such as 1.5.")
    return StripePlatform(key, signing, int(points))


def stripe_environment(platform: StripePlatform) -> dict[str, str]:
    """The environment that `read_stripe_platform` turns into `platform`."""
    percent = format(Decimal(platform.fee_basis_points) / 100, "f") if platform.fee_basis_points else ""
    values = {STRIPE_KEY: platform.key, STRIPE_SIGNING_SECRET: platform.signing_secret, STRIPE_FEE: percent}
    return {name: value for name, value in values.items() if value}
