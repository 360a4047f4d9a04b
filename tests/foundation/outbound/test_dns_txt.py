"""Look-ups of TXT records against a DNS server of the test."""

import re
import socket

import pytest

from foundation.outbound.dns_txt import DnsLookup, LookupFailed, parse_servers
from tests.support.dns_server import running_dns_server


async def test_records_are_found_missing_or_not_known() -> None:
    with running_dns_server() as server:
        server.records = {"a.example": ["one", "two"], "empty.example": []}
        server.broken = {"broken.example"}
        lookup = DnsLookup(server.address)
        assert set(await lookup("a.example")) == {"one", "two"}
        assert list(await lookup("empty.example")) == []
        assert list(await lookup("missing.example")) == []
        with pytest.raises(LookupFailed):
            await lookup("broken.example")
        assert server.asked[0] == "a.example"


async def test_a_silent_server_times_out() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        with pytest.raises(LookupFailed):
            await DnsLookup(f"127.0.0.1:{silent.getsockname()[1]}")("a.example")


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("", ()),
        (" 10.0.0.2 , 10.0.0.3:5353", (("10.0.0.2", 53), ("10.0.0.3", 5353))),
        ("[fd00::2]:5353,fd00::3", (("fd00::2", 5353), ("fd00::3", 53))),
    ],
)
def test_servers_are_read(text: str, servers: tuple[tuple[str, int], ...]) -> None:
    assert parse_servers(text) == servers


@pytest.mark.parametrize("text", ["dns.example", "10.0.0.2:0", "10.0.0.2:x", "10.0.0.2:99999", "[fd00::2]:", "10.0.0"])
def test_an_invalid_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text) + "|address"):
        parse_servers(text)
