"""Outbound HTTP: guarded addresses, rate limits, token bucket, retry budget and breaker per credential."""

from foundation.outbound.errors import (
    OutboundHeld,
    OutboundRefused,
    OutboundThrottled,
    OutboundUnavailable,
    RetriesSpent,
)

__all__ = ["OutboundHeld", "OutboundRefused", "OutboundThrottled", "OutboundUnavailable", "RetriesSpent"]
