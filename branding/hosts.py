"""Host names of requests, and the addresses built from them."""

import re
from collections.abc import Mapping
from typing import Any, Final

from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.text import TextInvalid, normalize_domain
from foundation.web.boundary import header_text

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_PUBLIC: Final = re.compile(r"(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*")
"""A name of two labels or more that is no IP address."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


def normal_host(header: str) -> str:
    """The name in a Host header: lower case, without port and final dot; empty when invalid."""
    name = header.strip().lower().partition(":")[0].removesuffix(".")
    return name if _HOST.fullmatch(name) else ""


def normal_name(typed: str) -> str:
    """The typed name as browsers send it: punycode for other scripts; empty when invalid."""
    try:
        return normal_host(normalize_domain(typed))
    except TextInvalid:
        return ""


def require_host(typed: str, *, is_public: bool = False) -> str:
    """The typed name as browsers send it. `is_public` refuses IP addresses and names of one label, which have no DNS
    records.

    Raises:
        InvalidInput: no host name.
    """
    name = normal_name(typed)
    if not name or (is_public and not _PUBLIC.fullmatch(name)):
        raise InvalidInput(
            N_("“{host}” is not a host name such as portal.example.com."), params={"host": typed}, field="host"
        )
    return name


def is_local(name: str) -> bool:
    """Whether a plain request to this host stays on this machine."""
    return name in {"localhost", "127.0.0.1"} or name.endswith(".localhost")


def request_origin(scope: Mapping[str, Any]) -> str:
    """`Origin` header that a browser sends from a page of the request's host. For comparison only, never for links.

    Pages of other machines work over TLS only, which may end at a proxy that does not announce itself.
    """
    host = header_text(scope, b"host")
    scheme = scope["scheme"] if is_local(normal_host(host)) else "https"
    return f"{scheme}://{host}"


def public_origin(scope: Mapping[str, Any]) -> str:
    """Base of links to the request's brand: the registered host name, over TLS.

    Of the request's Host header only the name is used, after a match in the brands' list. On this machine the port is
    the listener's own; elsewhere it is the scheme's default or the configured one.
    """
    name = normal_host(header_text(scope, b"host"))
    port = scope.get("state", {}).get("public_port")
    if is_local(name):
        scheme = scope["scheme"]
        port = port or (scope.get("server") or (name, None))[1]
    else:
        scheme = "https"
    return f"{scheme}://{name}" + (f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else "")


def origin_of(host: str, port: int | None) -> str:
    """Base of links to a brand's host where there is no request: `port` is the configured one, if any."""
    scheme = "http" if is_local(host) else "https"
    return f"{scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS[scheme] else "")
