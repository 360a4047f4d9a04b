"""Rate limits that apply to the callers of an account."""

from foundation.web.rate_limit import DEFAULT_LIMITS, RateLimits
from tenants.models import Client, Msp


def limits_of(account: Client | Msp | None) -> RateLimits:
    """The limits of an account's callers; defaults where none are set."""
    if account is None:
        return DEFAULT_LIMITS
    return RateLimits(
        account.requests_per_caller or DEFAULT_LIMITS.per_caller,
        account.requests_per_account or DEFAULT_LIMITS.per_account,
    )
