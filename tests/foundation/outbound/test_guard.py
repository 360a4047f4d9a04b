"""Addresses that must not be called on behalf of others are refused."""

import ipaddress
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import utc_now
from foundation.outbound import OutboundRefused, OutboundUnavailable
from foundation.outbound.client import BoundCaller, OutboundClient
from foundation.outbound.guard import check_url, is_public
from foundation.outbound.settings import OutboundSettings, parse_allowed
from tests.foundation.outbound.server import FakeNames

NAMES = {
    "rebind_example": ["127.0.0.1"], "metadata_google_internal": ["169.254.169.254"], "mixed_example":
    ["93.184.216.34", "10.0.0.7"], "six_example": ["::1"], "mapped_example": ["::ffff:169.254.169.254"],
    "both_example": ["2606:4700:4700::1111", "fd00:ec2::254"], "localhost": ["127.0.0.1", "::1"],
    "nat_example": ["64:ff9b::a9fe:a9fe"], "zone_example": ["fe80::1%eth0"],
}  # fmt: skip

ANY = "0.0.0.0"  # noqa: S104 - it is refused, not bound to

# Every known notation of an address that must not be called. Port 443 throughout, so that only the address is invalid.
CLOSED_HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "017700000001", "0x7f000001", "0x7f.1",
    "0x7f.0x0.0x0.0x1", "0177.0.0.1", "0177.1", "00000177.0.0.1", "127.0.0.1.", "0", ANY, "0x0", "00",
    "0.1.2.3", "10.0.0.1", "10.255.255.255", "012.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1",
    "3232235521", "0xc0a80001", "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376",
    "169.254.43518", "169.16689662", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]",
    "[::ffff:0:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]", "[2001::1]", "[2001:0:7f00:1::]",
    "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[100::1]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fec0::1]",
    "[ff02::1]", "localhost", "LOCALHOST", "localhost.", "rebind.example", "metadata.google.internal",
    "mixed.example", "six.example", "mapped.example", "both.example", "nat.example", "zone.example",
    "①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
]  # fmt: skip

BAD_FORMS = [
    "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "dict://example.com/", "//example.com/",
    "example.com", "", "https:", "https://", "https:///path", "https:example.com", "http+unix://%2Ftmp%2Fx/",
    "jar:https://example.com/", "javascript:alert(1)", "data:text/html,x", "ws://example.com/",
    "https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/", "https://:@example.com/",
    "https://example.com@127.0.0.1/", "https://example.com:443@127.0.0.1/", "https://127.0.0.1\\@example.com/",
    "https://example.com\\.internal/", "https:\\\\127.0.0.1/", "https://127.0.0.1%2f@example.com/",
    "https://%31%32%37.0.0.1/", "https://127.0.0.1%00.example.com/", "https://[fe80::1%25eth0]/",
    "https://exam ple.com/", "https://example.com/\r\nX-Injected: 1", "https://example.com/\n", " https://example.com/",
    "https://example.com/\t", "https://exa\u00a0mple.com/", "https://example.com:99999/", "https://example.com:-1/",
    "https://example.com:http/", "https://[::1/", "https://[::1]extra/", "https://[not-an-address]/",
    "https://1.2.3.4.5/", "https://256.256.256.256/", "https://1.2.3/", "https://0x/",
    "https://example.com/" + "a" * 9000,
]  # fmt: skip

OTHER_PORTS = [22, 25, 80, 3306, 5432, 6379, 9200, 11211]


@pytest.fixture
async def caller() -> AsyncIterator[BoundCaller]:
    client = OutboundClient(OutboundSettings(), None, utc_now, resolver=FakeNames(**NAMES))
    yield client.for_credential(uuid4(), "c", 1000, 1000)
    await client.close()


async def test_the_corpus_has_its_stated_length() -> None:
    assert len(CLOSED_HOSTS) + len(BAD_FORMS) >= 60
    assert len(set(CLOSED_HOSTS)) == len(CLOSED_HOSTS)


@pytest.mark.parametrize("host", CLOSED_HOSTS)
async def test_a_closed_address_is_refused_however_it_is_written(caller: BoundCaller, host: str) -> None:
    for url in (f"https://{host}/", f"https://{host}:8443/x?y=1", f"https://{host}"):
        with pytest.raises(OutboundRefused):
            await caller.request("GET", url)


@pytest.mark.parametrize("url", BAD_FORMS)
async def test_addresses_other_than_plain_https_are_refused(caller: BoundCaller, url: str) -> None:
    with pytest.raises(OutboundRefused):
        await caller.request("GET", url)


@pytest.mark.parametrize("port", OTHER_PORTS)
async def test_other_ports_are_refused(caller: BoundCaller, port: int) -> None:
    with pytest.raises(OutboundRefused, match=f"Port {port} may not be called"):
        await caller.request("GET", f"https://93.184.216.34:{port}/")


async def test_plain_http_is_refused(caller: BoundCaller) -> None:
    with pytest.raises(OutboundRefused, match="Only https"):
        await caller.request("GET", "http://93.184.216.34/")


async def test_a_name_that_does_not_exist_is_an_outage_not_a_refusal(caller: BoundCaller) -> None:
    with pytest.raises(OutboundUnavailable):
        await caller.request("GET", "https://nowhere.invalid/")


async def test_the_refusal_does_not_disclose_resolved_addresses(caller: BoundCaller) -> None:
    with pytest.raises(OutboundRefused) as caught:
        await caller.request("GET", "https://mixed.example/")
    assert "10.0.0.7" not in caught.value.detail


PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1",
    "192.0.1.1", "198.17.255.255", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::200e",
    "64:ff9b::8.8.8.8", "2002:808:808::1", "::ffff:8.8.8.8",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_not_refused(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses())
def test_no_private_address_counts_as_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
    if is_public(address) and address not in ipaddress.ip_network(
        "64:ff9b::/96" if address.version == 6 else "0.0.0.0/32"
    ):
        assert inner.is_global
        assert not inner.is_multicast
        assert not inner.is_reserved


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_a_wrapped_address_is_checked_by_its_inner_address(inner: ipaddress.IPv4Address, prefix: str) -> None:
    wrapped = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + int(inner))

    assert is_public(wrapped) == is_public(inner)


@given(st.ip_addresses(v=4), st.integers(0, 2**80 - 1))
def test_a_6to4_address_is_checked_by_its_relay(inner: ipaddress.IPv4Address, rest: int) -> None:
    assert is_public(ipaddress.IPv6Address((0x2002 << 112) + (int(inner) << 80) + rest)) == is_public(inner)


class TestAllowedTargets:
    def test_networks_and_ports_are_read_from_text(self) -> None:
        one, two, three = parse_allowed("127.0.0.1/32@9001,9002 10.0.0.0/8 fd00::/8@443")

        assert one.holds(ipaddress.ip_address("127.0.0.1"), 9002)
        assert not one.holds(ipaddress.ip_address("127.0.0.1"), 9003)
        assert not one.holds(ipaddress.ip_address("127.0.0.2"), 9001)
        assert two.holds(ipaddress.ip_address("10.9.9.9"), 1)
        assert three.holds(ipaddress.ip_address("fd00::1"), 443)
        assert not three.holds(ipaddress.ip_address("10.0.0.1"), 443)

    @pytest.mark.parametrize("text", ["localhost", "10.0.0.1/8", "10.0.0.0/8@0", "10.0.0.0/8@99999", "10.0.0.0/8@x"])
    def test_unreadable_settings_fail_at_start(self, text: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            parse_allowed(text)

    @pytest.mark.parametrize(
        "url",
        ["http://127.0.0.1:9003/", "http://127.0.0.2:9001/", "http://[::1]:9001/", "http://169.254.169.254:9001/"],
    )
    async def test_beside_an_allowed_target_nothing_is_open(self, url: str) -> None:
        settings = OutboundSettings(allowed=parse_allowed("127.0.0.1/32@9001"))
        client = OutboundClient(settings, None, utc_now, resolver=FakeNames())
        with pytest.raises(OutboundRefused):
            await client.for_credential(uuid4(), "c", 100, 100).request("GET", url)
        await client.close()


@pytest.mark.parametrize(
    ("url", "host", "port", "header"),
    [
        ("https://Shop.Example/a?b=c#d", "shop.example", 443, b"shop.example"),
        ("https://shop.example:8443/a?b=c", "shop.example", 8443, b"shop.example:8443"),
        ("HTTPS://müller.example/a?b=c", "xn--mller-kva.example", 443, b"xn--mller-kva.example"),
        ("https://[2606:4700::1]:8443/a?b=c", "2606:4700::1", 8443, b"[2606:4700::1]:8443"),
    ],
)
def test_a_valid_address_is_parsed(url: str, host: str, port: int, header: bytes) -> None:
    assert check_url(url) == (True, host, port, b"/a?b=c", header)
