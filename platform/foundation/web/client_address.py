"""The client's address and scheme behind proxies: only from configured proxies, and only valid IP addresses.

`X-Forwarded-For` grows to the right: each proxy appends the address of its caller. So the client is the rightmost hop
that is no configured proxy; everything to its left is the client's own text. An invalid hop ends the search at the last
known proxy. Only the configured header is read: a proxy that maintains one of the two passes the other on as the client
wrote it.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import msgspec

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
Header = tuple[bytes, bytes]

X_FORWARDED_FOR: Final = "x-forwarded-for"
FORWARDED: Final = "forwarded"
_PORT: Final = re.compile(r":\d{1,5}\Z")
_PAIR: Final = re.compile(r'\s*([A-Za-z-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,"]*)\s*')
_SCHEMES: Final = frozenset({"http", "https"})
_IPV6_SUBSCRIBER: Final = 64


class ProxyRule(msgspec.Struct, frozen=True):
    """Trusted proxies: their networks, and the header that they maintain."""

    networks: tuple[Network, ...] = ()
    header: str = X_FORWARDED_FOR

    def trusts(self, host: str) -> bool:
        return self._holds(parse_address(host))

    def client_of(self, peer: str, headers: Sequence[Header]) -> str:
        """The client's address in its canonical form; the peer's own if that is no configured proxy."""
        address = parse_address(peer)
        if address is None:
            return peer
        hops = _forwarded_for(headers) if self.header == X_FORWARDED_FOR else [a for a, _ in _forwarded(headers)]
        while self._holds(address) and hops:
            hop = parse_hop(hops.pop())
            if hop is None:
                break
            address = hop
        return str(address)

    def scheme_of(self, peer: str, headers: Sequence[Header], scheme: str) -> str:
        """The scheme of the nearest proxy's request, else `scheme`."""
        if not self.trusts(peer):
            return scheme
        if self.header == X_FORWARDED_FOR:
            protocols = _values(headers, b"x-forwarded-proto")
        else:
            protocols = [proto for _, proto in _forwarded(headers) if proto]
        last = protocols[-1].strip().lower() if protocols else ""
        return last if last in _SCHEMES else scheme

    def _holds(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)


NO_PROXIES: Final = ProxyRule()


def parse_networks(text: str) -> tuple[Network, ...]:
    """Parse networks or addresses, separated by commas or blanks.

    Raises:
        ValueError: a network is malformed, or includes every address, so that each client could choose its own.
    """
    networks = tuple(ip_network(part, strict=False) for part in re.split(r"[\s,]+", text) if part)
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("a network of all addresses makes every client a proxy")
    return networks


def parse_address(text: str) -> Address | None:
    """An address in canonical form: IPv4 mapped in IPv6 as IPv4, without a zone. None when invalid."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def parse_hop(text: str) -> Address | None:
    """One hop of a forwarding header: an address, with or without brackets and port."""
    text = text.strip()
    if text.startswith("["):
        inner, bracket, rest = text[1:].partition("]")
        return parse_address(inner) if bracket and (not rest or _PORT.fullmatch(rest)) else None
    if text.count(":") == 1:
        text = _PORT.sub("", text)
    return parse_address(text) if "%" not in text else None


def subscriber_of(host: str) -> str:
    """The address range of one subscriber: an IPv4 address, or an IPv6 /64."""
    address = parse_address(host)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _IPV6_SUBSCRIBER), strict=False))
    return str(address) if address is not None else host


def _values(headers: Iterable[Header], name: bytes) -> list[str]:
    """All elements of a list header, in order, whether sent on one line or several."""
    return [part for key, value in headers if key == name for part in value.decode("latin-1").split(",")]


def _forwarded_for(headers: Iterable[Header]) -> list[str]:
    return [part for part in _values(headers, b"x-forwarded-for") if part.strip()]


def _forwarded(headers: Iterable[Header]) -> list[tuple[str, str]]:
    """`for` and `proto` of each element of `Forwarded` (RFC 7239)."""
    found: list[tuple[str, str]] = []
    for key, value in headers:
        if key != b"forwarded":
            continue
        for element in _split_quoted(value.decode("latin-1"), ","):
            pairs = {
                name.lower(): text.strip('"')
                for name, text in _PAIR.findall(element)
                if name.lower() in {"for", "proto"}
            }
            if element.strip():
                found.append((pairs.get("for", ""), pairs.get("proto", "")))
    return found


def _split_quoted(text: str, separator: str) -> list[str]:
    """The parts between separators outside quoted text. Parsed from the right, so that a quote left open by the client
    cannot hide the proxies' parts behind it.
    """
    parts, quoted, end = [], False, len(text)
    for place in range(len(text) - 1, -1, -1):
        sign = text[place]
        if sign == '"' and not (quoted and _is_escaped(text, place)):
            quoted = not quoted
        elif sign == separator and not quoted:
            parts.append(text[place + 1 : end])
            end = place
    return [text[:end], *reversed(parts)]


def _is_escaped(text: str, place: int) -> bool:
    start = place
    while start and text[start - 1] == "\\":
        start -= 1
    return (place - start) % 2 == 1
