"""Standard Webhooks signatures: valid ones, and invalid ones of every kind."""

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ports import SignatureInvalid, VerifiedDelivery
from connectors.webhooks.signatures import TOLERANCE_SECONDS, StandardWebhook, sign

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SECRET = b"whsec_" + b64encode(b"a signing key of twenty-four+ bytes")
OTHER = b"whsec_" + b64encode(b"the key that comes after a rotation")
BODY = b'{"type":"price.changed"}'


def signed(secret: bytes = SECRET, body: bytes = BODY, at: datetime = NOW) -> dict[str, str]:
    return sign(secret, message_id="msg_1", sent_at=at, body=body)


def verify(
    headers: dict[str, str], body: bytes = BODY, secret: bytes = SECRET, now: datetime = NOW
) -> VerifiedDelivery:
    return StandardWebhook().verify(headers, body, secret, now)


def test_a_signed_message_is_accepted_with_its_id_and_time() -> None:
    assert verify(signed()) == VerifiedDelivery("msg_1", NOW)


def test_the_published_example_of_the_standard_is_accepted() -> None:
    """The example of the Standard Webhooks specification's reference libraries."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    delivery = verify(
        headers,
        b'{"test": 2432232314}',
        b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert delivery.external_id == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@given(body=st.binary(max_size=2000), key=st.binary(min_size=1, max_size=64))
def test_every_body_and_key_round_trips(body: bytes, key: bytes) -> None:
    secret = b"whsec_" + b64encode(key)
    assert verify(signed(secret, body), body, secret).external_id == "msg_1"


@given(body=st.binary(min_size=1, max_size=200), place=st.integers(min_value=0), flip=st.integers(1, 255))
def test_every_tampered_byte_is_refused(body: bytes, place: int, flip: int) -> None:
    changed = bytearray(body)
    changed[place % len(body)] ^= flip
    with pytest.raises(SignatureInvalid):
        verify(signed(body=body), bytes(changed))


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
def test_a_tampered_header_is_refused(header: str) -> None:
    headers = signed()
    headers[header] = headers[header][:-1] + ("2" if headers[header][-1] != "2" else "3")
    with pytest.raises(SignatureInvalid):
        verify(headers)


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("missing", ["", None])
def test_a_missing_header_is_refused(header: str, missing: str | None) -> None:
    headers = signed()
    del headers[header]
    if missing is not None:
        headers[header] = missing
    with pytest.raises(SignatureInvalid, match="needs the headers"):
        verify(headers)


def test_a_wrong_secret_is_refused_without_details() -> None:
    with pytest.raises(SignatureInvalid) as refused:
        verify(signed(OTHER))
    assert SECRET.decode() not in str(refused.value)


@pytest.mark.parametrize("sign_of_time", [-1, 1])
def test_the_time_window_is_closed_on_both_sides(sign_of_time: int) -> None:
    at_the_edge = NOW + sign_of_time * timedelta(seconds=TOLERANCE_SECONDS)
    beyond = NOW + sign_of_time * timedelta(seconds=TOLERANCE_SECONDS + 1)
    assert verify(signed(at=at_the_edge)).sent_at == at_the_edge
    with pytest.raises(SignatureInvalid, match="seconds off"):
        verify(signed(at=beyond))


@pytest.mark.parametrize(
    "timestamp", ["", "now", "1e9", "-5", "١٧٦٠٠٠٠٠٠٠", "17", "9" * 13, "1795348800.0", " 1795348800"]
)
def test_malformed_timestamps_are_refused(timestamp: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(signed() | {"webhook-timestamp": timestamp})


def test_during_a_rotation_the_sender_signs_with_both_secrets() -> None:
    both = signed(SECRET + b" " + OTHER)
    assert len(both["webhook-signature"].split(" ")) == 2
    assert verify(both, secret=SECRET)
    assert verify(both, secret=OTHER)


def test_during_a_rotation_the_receiver_accepts_both_secrets() -> None:
    both = SECRET + b" " + OTHER
    assert verify(signed(SECRET), secret=both)
    assert verify(signed(OTHER), secret=both)
    with pytest.raises(SignatureInvalid):
        verify(signed(b"whsec_" + b64encode(b"a third key that nobody agreed on")), secret=both)


def test_unknown_signature_versions_are_skipped() -> None:
    headers = signed()
    assert verify(headers | {"webhook-signature": "v1a,xx== " + headers["webhook-signature"]})
    with pytest.raises(SignatureInvalid):
        verify(headers | {"webhook-signature": headers["webhook-signature"].replace("v1,", "v2,")})


@pytest.mark.parametrize("signature", ["v1,", "v1", "v1,ü", "v1,\udcff", "v1,AAAA", " "])
def test_malformed_signatures_are_refused(signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(signed() | {"webhook-signature": signature})


@pytest.mark.parametrize("secret", [b"", b"whsec_", b"whsec_ ", b"whsec_not base64!", SECRET + b" whsec_"])
def test_a_connection_without_a_proper_secret_accepts_nothing(secret: bytes) -> None:
    """Anyone can sign with an empty key."""
    content = f"msg_1.{int(NOW.timestamp())}.".encode() + BODY
    forged = b64encode(hmac.digest(b"", content, "sha256")).decode()
    with pytest.raises(SignatureInvalid, match="signing secret"):
        verify(signed() | {"webhook-signature": f"v1,{forged}"}, secret=secret)


def test_the_number_of_compared_signatures_is_limited() -> None:
    headers = signed()
    with pytest.raises(SignatureInvalid, match="too many"):
        verify(headers | {"webhook-signature": "v1,a " * 16 + headers["webhook-signature"]})


def test_an_id_cannot_be_moved_into_the_timestamp() -> None:
    with pytest.raises(SignatureInvalid, match="full stop"):
        verify(signed() | {"webhook-id": "msg.1"})


def test_a_secret_without_prefix_is_used_as_is() -> None:
    assert verify(signed(b"plain text"), secret=b"plain text")


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def never_equal(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", never_equal)
    with pytest.raises(SignatureInvalid):
        verify(signed())
    assert len(compared) == 1
