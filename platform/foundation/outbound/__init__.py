"""HTTP to the outside: guarded addresses, limits, token bucket, retry budget and breaker per credential."""

from foundation.outbound.errors import (
    OutboundHeld,
    OutboundRefused,
    OutboundThrottled,
    OutboundUnavailable,
    RetriesSpent,
)

__all__ = ["OutboundHeld", "OutboundRefused", "OutboundThrottled", "OutboundUnavailable", "RetriesSpent"]
