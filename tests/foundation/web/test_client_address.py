"""The client's address behind proxies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.web.client_address import FORWARDED, ProxyRule, parse_networks, subscriber_of

RULE = ProxyRule(networks=parse_networks("10.0.0.0/8, 192.0.2.7 fd00::/8"))


def client(peer: str, *values: str, rule: ProxyRule = RULE, name: bytes = b"x-forwarded-for") -> str:
    return rule.client_of(peer, [(name, value.encode("latin-1")) for value in values])


@pytest.mark.parametrize(
    ("peer", "values", "expected"),
    [
        ("203.0.113.9", ["1.2.3.4"], "203.0.113.9"),
        ("10.1.2.3", ["1.2.3.4"], "1.2.3.4"),
        ("10.1.2.3", ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        ("10.1.2.3", ["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        ("10.1.2.3", ["6.6.6.6, 1.2.3.4, 10.9.9.9, 192.0.2.7"], "1.2.3.4"),
        ("10.1.2.3", ["1.2.3.4:5678"], "1.2.3.4"),
        ("10.1.2.3", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.1.2.3", ["2001:DB8:0::1"], "2001:db8::1"),
        ("10.1.2.3", ["::ffff:1.2.3.4"], "1.2.3.4"),
        ("::ffff:10.1.2.3", ["1.2.3.4"], "1.2.3.4"),
        ("fd00::1", ["1.2.3.4, ::ffff:10.0.0.1"], "1.2.3.4"),
        ("10.1.2.3", ["1.2.3.4, unknown"], "10.1.2.3"),
        ("10.1.2.3", ["1.2.3.4, <script>"], "10.1.2.3"),
        ("10.1.2.3", ["1.2.3.4, 10.0.0.9, "], "1.2.3.4"),
        ("10.1.2.3", ["1.2.3.4, 5.6.7.8\x00"], "10.1.2.3"),
        ("10.1.2.3", ["1.2.3.4, 010.0.0.1"], "10.1.2.3"),
        ("10.1.2.3", ["1.2.3.4, [::1"], "10.1.2.3"),
        ("10.1.2.3", ["fe80::1%eth0"], "10.1.2.3"),
        ("10.1.2.3", ["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", ["", ","], "10.1.2.3"),
        ("10.1.2.3", [" ,1.2.3.4, "], "1.2.3.4"),
    ],
)
def test_the_rightmost_hop_that_is_no_proxy_is_the_client(peer: str, values: list[str], expected: str) -> None:
    assert client(peer, *values) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=1.2.3.4", "1.2.3.4"),
        ("for=6.6.6.6, For=1.2.3.4;proto=https", "1.2.3.4"),
        ('for="[2001:db8::1]:80"', "2001:db8::1"),
        ('for="6.6.6.6, for=9.9.9.9", for=1.2.3.4;by=10.0.0.1', "1.2.3.4"),
        ("for=1.2.3.4, for=10.0.0.3", "1.2.3.4"),
        ("for=1.2.3.4, for=unknown", "10.1.2.3"),
        ("for=1.2.3.4, for=_hidden", "10.1.2.3"),
        ("for=1.2.3.4, proto=https", "10.1.2.3"),
        ('for="6.6.6.6, for=1.2.3.4', "1.2.3.4"),
        ('for="6.6.6.6\\", for=1.2.3.4;by="a\\"b,c"', "1.2.3.4"),
        ('", for="[2001:db8::1]:80", for="10.0.0.3"', "2001:db8::1"),
    ],
)
def test_forwarded_is_read_the_same_way_when_it_is_the_configured_header(value: str, expected: str) -> None:
    rule = ProxyRule(networks=RULE.networks, header=FORWARDED)
    assert client("10.1.2.3", value, rule=rule, name=b"forwarded") == expected
    assert client("203.0.113.9", value, rule=rule, name=b"forwarded") == "203.0.113.9"


def test_the_header_that_is_not_configured_is_the_clients_own_text() -> None:
    headers = [(b"forwarded", b"for=6.6.6.6"), (b"x-forwarded-for", b"1.2.3.4")]
    assert RULE.client_of("10.1.2.3", headers) == "1.2.3.4"
    assert ProxyRule(networks=RULE.networks, header=FORWARDED).client_of("10.1.2.3", headers) == "6.6.6.6"


@pytest.mark.parametrize(
    ("peer", "values", "expected"),
    [
        ("10.0.0.1", [b"https"], "https"),
        ("10.0.0.1", [b"http, https"], "https"),
        ("10.0.0.1", [b"http", b"HTTPS"], "https"),
        ("10.0.0.1", [b"javascript"], "http"),
        ("203.0.113.9", [b"https"], "http"),
    ],
)
def test_the_scheme_is_that_of_the_nearest_proxy(peer: str, values: list[bytes], expected: str) -> None:
    assert RULE.scheme_of(peer, [(b"x-forwarded-proto", value) for value in values], "http") == expected


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=30), max_size=5))
def test_a_forged_header_is_overridden_by_the_proxy(forged: list[str]) -> None:
    assert client("10.1.2.3", *forged, "1.2.3.4") == "1.2.3.4"
    assert client("203.0.113.9", *forged) == "203.0.113.9"


@given(st.text(st.one_of(st.sampled_from('",;=\\ for'), st.characters(max_codepoint=255)), max_size=30))
def test_a_forged_forwarded_header_is_overridden_by_the_proxy(forged: str) -> None:
    rule = ProxyRule(networks=RULE.networks, header=FORWARDED)
    for own in ("for=1.2.3.4", 'for="1.2.3.4:80";by="a\\"b, for=6.6.6.6"'):
        assert client("10.1.2.3", f"{forged}, {own}", rule=rule, name=b"forwarded") == "1.2.3.4"


@pytest.mark.parametrize("text", ["*", "0.0.0.0/0", "::/0", "10.0.0.0/33", "proxy.example", "10.0.0.0/8;10.0.0.1"])
def test_a_list_that_trusts_every_address_or_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_networks(text)


def test_an_ipv6_client_is_its_network() -> None:
    assert subscriber_of("2001:db8:1:2:3::4") == subscriber_of("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert subscriber_of("::ffff:1.2.3.4") == subscriber_of("1.2.3.4") == "1.2.3.4"
