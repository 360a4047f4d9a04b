"""HTTP to the outside: guarded addresses, limits, token bucket and breaker per credential."""

from foundation.outbound.errors import OutboundRefused, OutboundThrottled, OutboundUnavailable

__all__ = ["OutboundRefused", "OutboundThrottled", "OutboundUnavailable"]
