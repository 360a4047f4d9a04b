"""Check of the addresses that may be called (server-side request forgery, OWASP API7).

Names are resolved once per connection, every address of a name must pass, and the connection is made to a checked
address: a name that changes between check and connect gains nothing. TLS still verifies the name.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, NamedTuple

import httpcore2
import httpx2

from foundation.outbound import messages
from foundation.outbound.errors import OutboundRefused
from foundation.outbound.settings import Address, OutboundSettings

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Port: every address of a host name. Raises OSError when there is none."""

_LONGEST_URL = 8192
_FORM: Final = re.compile(r"(https?)://([^/?#]*)", re.IGNORECASE)
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_NUMBER_LIKE: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)

# IANA special-purpose registries, https://www.iana.org/assignments/iana-ipv4-special-registry (and -ipv6-), 2025-10.
# Listed here because `ipaddress.is_global` changed between Python's patch releases.
_CLOSED_V4: Final = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_CLOSED_V6: Final = tuple(IPv6Network(net) for net in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20"))
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1
_6TO4: Final = IPv6Network("2002::/16")  # RFC 3056


class OutboundTarget(NamedTuple):
    secure: bool
    host: str
    port: int
    path: bytes
    host_header: bytes


def check_url(url: str) -> OutboundTarget:
    """The parts of `url`; addresses are checked when connecting.

    Raises:
        OutboundRefused: not a plain http(s) address.
    """
    form = _FORM.match(url)
    if form is None or len(url) > _LONGEST_URL or _UNSAFE.search(url):
        raise OutboundRefused(messages.ADDRESS_FORM.write())
    authority = form[2]
    if "@" in authority or "%" in authority:
        raise OutboundRefused(messages.ADDRESS_SIGN_IN.write())
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise OutboundRefused(messages.ADDRESS_INVALID.write()) from None
    host = parsed.raw_host.decode("ascii")
    secure = parsed.scheme == "https"
    port = (443 if secure else 80) if parsed.port is None else parsed.port
    if not 0 < port < 65536:
        raise OutboundRefused(messages.NO_PORT.write())
    if not host or (_is_number_like(host) and _literal(host) is None):
        raise OutboundRefused(messages.NO_HOST.write())
    return OutboundTarget(secure, host, port, parsed.raw_path, parsed.netloc)


def _is_number_like(host: str) -> bool:
    """Whether a host's last label is numeric: some parsers read it as IPv4, others as a name (0x7f.1, 2130706433,
    127.1).
    """
    return _NUMBER_LIKE.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether the address is globally routable unicast; an embedded IPv4 address is checked in place of its IPv6
    address.
    """
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _CLOSED_V4)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(address.packed[12:]))
    if address in _6TO4:
        return is_public(IPv4Address(address.packed[2:6]))
    return address in _GLOBAL_V6 and not any(address in net for net in _CLOSED_V6)


async def resolve(host: str, port: int) -> Sequence[str]:
    """Resolver of the operating system."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Guard:
    def __init__(self, settings: OutboundSettings, resolver: Resolver = resolve) -> None:
        self._settings = settings
        self._resolver = resolver

    async def addresses(self, host: str, port: int, *, secure: bool) -> list[Address]:
        """Addresses of `host`, in the resolver's order.

        Raises:
            OutboundRefused: one of the addresses is not allowed.
            OSError: the name has no address.
        """
        literal = _literal(host)
        names = [host] if literal is not None else await self._resolver(host, port)
        found = list(dict.fromkeys(_plain(ipaddress.ip_address(name.partition("%")[0])) for name in names))
        if not found:
            raise OSError("the name has no address")
        for address in found:
            self._check(address, host, port, secure=secure)
        return found

    def _check(self, address: Address, host: str, port: int, *, secure: bool) -> None:
        settings = self._settings
        if any(target.holds(address, port) for target in settings.allowed):
            return
        if not is_public(address):
            raise OutboundRefused(messages.NOT_PUBLIC.write(host=host))
        if not secure and not settings.allow_http:
            raise OutboundRefused(messages.HTTPS_ONLY.write())
        if port not in settings.ports and not (settings.allow_http and not secure and port == 80):
            allowed = ", ".join(str(number) for number in sorted(settings.ports))
            raise OutboundRefused(messages.PORT_CLOSED.write(port=str(port), allowed=allowed))


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Network backend that connects to checked addresses only. One per scheme, which the pool does not pass to its
    backend.
    """

    def __init__(self, guard: Guard, *, secure: bool) -> None:
        self._guard = guard
        self._secure = secure
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (timeout or 60.0)
        try:
            async with asyncio.timeout_at(deadline):
                addresses = await self._guard.addresses(host, port, secure=self._secure)
        except TimeoutError:
            raise httpcore2.ConnectTimeout("name resolution took too long") from None
        except OSError:
            raise httpcore2.ConnectError("the name does not resolve") from None
        for left in range(len(addresses), 0, -1):
            share = max((deadline - loop.time()) / left, 0.01)
            try:
                return await self._network.connect_tcp(
                    str(addresses[-left]), port, share, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if left == 1:
                    raise
        raise AssertionError("a name without addresses was refused before")

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - httpcore's signature, as the next two
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore2.AsyncNetworkStream:
        raise OutboundRefused(messages.NO_SOCKETS.write())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
