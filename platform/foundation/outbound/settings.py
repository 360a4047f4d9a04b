"""Settings of outbound calls: allowed targets, timeouts, rate limits and breaker thresholds."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path

Address = IPv4Address | IPv6Address

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AllowedTarget:
    """An allowed network that is not public, also over plain HTTP. `ports` None means every port."""

    network: IPv4Network | IPv6Network
    ports: frozenset[int] | None = None

    def holds(self, address: Address, port: int) -> bool:
        return address.version == self.network.version and address in self.network and (
            self.ports is None or port in self.ports
        )  # fmt: skip


def parse_allowed(text: str) -> tuple[AllowedTarget, ...]:
    """Entries separated by spaces: a network in CIDR form, then optionally @ and ports, e.g. `127.0.0.1/32@9001,9002`.

    Raises:
        ValueError: an entry is not of this form.
    """
    targets = []
    for entry in text.split():
        network, at, ports = entry.partition("@")
        if at and not all(port.isascii() and port.isdigit() for port in ports.split(",")):
            raise ValueError(f"{entry} names a port that is no number")
        numbers = frozenset(int(port) for port in ports.split(",")) if at else None
        if numbers is not None and not all(0 < number < 65536 for number in numbers):
            raise ValueError(f"{entry} names a port outside 1 to 65535")
        targets.append(AllowedTarget(ip_network(network), numbers))
    return tuple(targets)


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """Thresholds of the breaker: it opens after `failures` in a row, or when `error_ratio` of at least `min_calls` in
    one window failed.
    """

    failures: int = 5
    error_ratio: float = 0.5
    min_calls: int = 20
    window_seconds: float = 30.0
    open_seconds: float = 5.0
    """The first pause; each failed probe doubles it, up to `max_open_seconds`."""
    max_open_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Retry budget: at most `ratio` of first attempts, plus `per_second`, plus `saved` retries."""

    ratio: float = 0.2
    per_second: float = 1.0
    saved: int = 10

    @property
    def interval(self) -> int:
        """Microseconds in which time alone earns one retry."""
        return max(1, round(1_000_000 / self.per_second))

    @property
    def earned(self) -> int:
        """Budget that a first attempt adds, in microseconds."""
        return round(self.interval * self.ratio)


@dataclass(frozen=True, slots=True)
class OutboundSettings:
    allowed: tuple[AllowedTarget, ...] = ()
    ports: frozenset[int] = frozenset({443, 8443})
    allow_http: bool = False
    connect_seconds: float = 5.0
    read_seconds: float = 15.0
    total_seconds: float = 30.0
    max_response_bytes: int = 8 * _MIB
    max_connections: int = 256
    in_flight: int = 16
    """Requests of one credential at the same time in one process: a slow system cannot take every connection."""
    max_wait_seconds: float = 2.0
    """Maximum wait of a call for its token, in seconds; the caller reschedules for a longer wait."""
    max_hold_seconds: float = 3600.0
    """The longest pause that another system's headers can impose."""
    valkey_seconds: float = 0.5
    valkey_rest_seconds: float = 1.0
    """Seconds for which limits apply per process after a failure of Valkey, before its next use."""
    clock_decides: bool = False
    """Limits use the injected clock, not Valkey's own; for simulated time."""
    user_agent: str = "commerce-integration/1"
    ca_file: Path | None = None
    breaker: BreakerSettings = BreakerSettings()
    retries: RetrySettings = RetrySettings()
