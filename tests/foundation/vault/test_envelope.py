"""Envelope encryption, without a database."""

import base64
import stat
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from foundation.vault import envelope
from foundation.vault.errors import CiphertextInvalid, VaultSealed
from foundation.vault.key_ring import KeyRing

RING = KeyRing({"k1": bytes(range(32))}, current="k1")
CIPHER = AESGCM(bytes(32))
TENANT, OTHER, KEY = (UUID(int=n) for n in (1, 2, 3))
plaintexts = st.binary(max_size=200)
purposes = st.text(st.characters(codec="utf-8"), max_size=40)
keys = st.binary(min_size=32, max_size=32)


def opened(sealed: bytes) -> bytes:
    envelope.key_id_of(sealed)
    return envelope.unseal(CIPHER, TENANT, "purpose", sealed)


@given(plaintexts, purposes, st.uuids(), st.uuids())
def test_sealed_bytes_open_and_name_their_key(plaintext: bytes, purpose: str, tenant: UUID, key: UUID) -> None:
    sealed = envelope.seal(CIPHER, tenant, key, purpose, plaintext)

    assert envelope.unseal(CIPHER, tenant, purpose, sealed) == plaintext
    assert envelope.key_id_of(sealed) == key
    assert sealed[0] == 1
    assert len(sealed) == 1 + 16 + 12 + len(plaintext) + 16


@given(plaintexts, purposes)
def test_the_same_value_never_seals_to_the_same_bytes(plaintext: bytes, purpose: str) -> None:
    assert envelope.seal(CIPHER, TENANT, KEY, purpose, plaintext) != envelope.seal(
        CIPHER, TENANT, KEY, purpose, plaintext
    )


@given(plaintexts, st.data())
def test_any_altered_byte_of_nonce_or_body_is_found(plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(envelope.seal(CIPHER, TENANT, KEY, "purpose", plaintext))
    place = data.draw(st.integers(17, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(CiphertextInvalid):
        envelope.unseal(CIPHER, TENANT, "purpose", bytes(sealed))


@given(plaintexts, st.data())
def test_a_cut_value_is_found(plaintext: bytes, data: st.DataObject) -> None:
    sealed = envelope.seal(CIPHER, TENANT, KEY, "purpose", plaintext)
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]

    with pytest.raises(CiphertextInvalid):
        opened(cut)


@given(st.binary(max_size=80))
def test_foreign_bytes_are_refused(garbage: bytes) -> None:
    with pytest.raises(CiphertextInvalid):
        opened(garbage)


@given(plaintexts, purposes, purposes, st.uuids(), st.uuids())
def test_a_value_opens_only_for_its_tenant_and_purpose(
    plaintext: bytes, purpose: str, other_purpose: str, tenant: UUID, other: UUID
) -> None:
    sealed = envelope.seal(CIPHER, tenant, KEY, purpose, plaintext)
    for try_tenant, try_purpose in ((other, purpose), (tenant, other_purpose)):
        if (try_tenant, try_purpose) != (tenant, purpose):
            with pytest.raises(CiphertextInvalid):
                envelope.unseal(CIPHER, try_tenant, try_purpose, sealed)


@given(keys, st.uuids(), st.uuids())
def test_a_wrapped_key_opens_only_as_the_same_key_of_the_same_tenant(
    data_key: bytes, tenant: UUID, key_id: UUID
) -> None:
    kek_id, wrapped = envelope.wrap(RING, tenant, key_id, data_key)

    assert kek_id == "k1"
    assert data_key not in wrapped
    assert envelope.unwrap(RING, tenant, key_id, wrapped) == data_key
    for other_tenant, other_key in ((OTHER, key_id), (tenant, KEY)):
        if (other_tenant, other_key) != (tenant, key_id):
            with pytest.raises(CiphertextInvalid):
                envelope.unwrap(RING, other_tenant, other_key, wrapped)


@given(st.data())
def test_any_altered_byte_of_a_wrapped_key_is_found(data: st.DataObject) -> None:
    wrapped = bytearray(envelope.wrap(RING, TENANT, KEY, bytes(32)).wrapped)
    place = data.draw(st.integers(0, len(wrapped) - 1))
    wrapped[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises((CiphertextInvalid, VaultSealed)):
        envelope.unwrap(RING, TENANT, KEY, bytes(wrapped))


def test_a_missing_wrapping_key_is_named_with_a_remedy() -> None:
    wrapped = envelope.wrap(KeyRing({"old-2025": bytes(32)}, current="old-2025"), TENANT, KEY, bytes(32)).wrapped

    with pytest.raises(VaultSealed, match=r"old-2025 .* Add it to the vault keys") as caught:
        envelope.unwrap(RING, TENANT, KEY, wrapped)
    assert caught.value.status == 503


def test_a_wrapping_key_replaced_under_its_own_id_is_explained() -> None:
    wrapped = envelope.wrap(RING, TENANT, KEY, bytes(32)).wrapped

    with pytest.raises(CiphertextInvalid, match="replaced under the same id"):
        envelope.unwrap(KeyRing({"k1": bytes(32)}, current="k1"), TENANT, KEY, wrapped)


class TestKeyRing:
    def test_the_first_key_is_current(self) -> None:
        first, second = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))

        ring = KeyRing.parse(f"k2:{first}, k1:{second}")

        assert ring.current == "k2"
        assert ring.get("k1") == bytes([2]) * 32

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "no vault key is given"),
            ("c2VjcmV0", "written as id:base64"),
            ("k1:!!", "is not base64"),
            ("k1:c2VjcmV0", "has 6 bytes; it needs exactly 32"),
            (f"k 1:{base64.b64encode(bytes(32)).decode()}", "a key id has"),
            (",".join([f"k1:{base64.b64encode(bytes(32)).decode()}"] * 2), "k1 is given twice"),
        ],
    )
    def test_errors_do_not_contain_the_key(self, text: str, sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence) as caught:
            KeyRing.parse(text)
        assert "c2VjcmV0" not in str(caught.value)

    def test_a_ring_never_shows_its_keys(self) -> None:
        assert repr(RING) == "KeyRing(ids=['k1'], current='k1')"

    def test_the_embedded_default_is_made_once_and_private(self, tmp_path: Path) -> None:
        path = tmp_path / "vault.key"

        first, second = KeyRing.load_or_create(path), KeyRing.load_or_create(path)

        assert first.get("k1") == second.get("k1")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [entry.name for entry in tmp_path.iterdir()] == ["vault.key"]
