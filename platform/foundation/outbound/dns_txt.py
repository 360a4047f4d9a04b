"""Look-up of TXT records, with which owners prove that a domain is theirs."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final, Protocol

import dns.asyncresolver
import dns.exception
import dns.resolver

_SECONDS: Final = 3.0
"""Time limit of a look-up at all servers together, because a request waits for the result."""
_PORT: Final = 53
_MOST_RECORDS: Final = 50


class LookupFailed(Exception):
    """No server answered, or the answer was an error, so the record is unknown."""


class TxtLookup(Protocol):
    async def __call__(self, name: str) -> Sequence[str]:
        """Values of a name's TXT records; empty if there are none. Raises: LookupFailed."""
        ...


class DnsLookup:
    """TXT records as the given servers (`parse_servers`) or the machine's own resolve them."""

    def __init__(self, servers: str = "") -> None:
        self._servers = parse_servers(servers)

    async def __call__(self, name: str) -> Sequence[str]:
        try:
            answer = await self._resolver().resolve(f"{name}.", "TXT", lifetime=_SECONDS, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise LookupFailed(type(error).__name__) from error
        texts = [b"".join(record.strings) for record in answer][:_MOST_RECORDS]
        return [text.decode("utf-8", "replace") for text in texts]

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """A new resolver for each look-up, so that changes of the machine's configuration apply. Without a cache."""
        resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in self._servers]
        return resolver


def parse_servers(text: str) -> tuple[tuple[str, int], ...]:
    """Addresses and ports of `10.0.0.2, 10.0.0.3:5353, [fd00::2]:5353`. Raises: ValueError."""
    return tuple(_server(part.strip()) for part in text.split(",") if part.strip())


def _server(text: str) -> tuple[str, int]:
    host, colon, port = text, "", ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        colon, port = rest[:1], rest[1:]
    elif text.count(":") == 1:
        host, colon, port = text.partition(":")
    if colon and not (port.isascii() and port.isdigit() and len(port) <= 6 and 0 < int(port) < 65_536):
        raise ValueError(text)
    return str(ip_address(host)), int(port) if port else _PORT
