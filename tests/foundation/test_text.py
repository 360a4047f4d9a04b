"""Text of other systems is storable, compared in one form, and displayed with hidden characters marked."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import InvalidInput
from foundation.names import clean_name
from foundation.reasons import clean_reason
from foundation.text import (
    TextInvalid,
    clean_foreign_text,
    has_hidden,
    has_visible_text,
    is_plainly_visible,
    is_storable,
    isolate,
    mark_hidden,
    normalize_domain,
    normalize_email,
    normalize_name,
    normalize_password,
)

ANY = st.text(st.characters())
EVERYTHING = st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z", "C")))
"""All characters, with lone surrogates and U+0000."""


@given(EVERYTHING)
def test_cleaned_text_is_storable_and_clean_text_is_left_alone(text: str) -> None:
    cleaned = clean_foreign_text(text)
    assert is_storable(cleaned)
    cleaned.encode()
    assert len(cleaned) == len(text)
    assert cleaned == text or not is_storable(text)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [("a\x00b", "a\ufffdb"), ("a\ud800b", "a\ufffdb"), ("\udfff", "\ufffd"), ("a\tb\n", "a\tb\n"), ("é😀", "é😀")],
)
def test_only_unstorable_characters_are_replaced(text: str, cleaned: str) -> None:
    assert clean_foreign_text(text) == cleaned


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SKU-\u202e100", "SKU-⟨U+202E⟩100"), ("SKU\x1b[31m", "SKU⟨U+001B⟩[31m"), ("SKU\u200b1", "SKU⟨U+200B⟩1"),
        ("\u2066a\u2069", "⟨U+2066⟩a⟨U+2069⟩"), ("SKU\ufe0f", "SKU⟨U+FE0F⟩"), ("a\u200db", "a⟨U+200D⟩b"),
        ("a\r\nb", "a⟨U+000D⟩⟨U+000A⟩b"), ("a\u2028b", "a⟨U+2028⟩b"), ("\u3164", "⟨U+3164⟩"), ("\ufffe", "⟨U+FFFE⟩"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("نامه\u200cای", "نامه\u200cای"), ("👩\u200d🚀", "👩\u200d🚀"), ("❤\ufe0f", "❤\ufe0f"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"), ("Zoë & söhne — 東京", "Zoë & söhne — 東京"),
    ],
)  # fmt: skip
def test_invisible_characters_are_shown_by_number(text: str, shown: str) -> None:
    assert mark_hidden(text) == shown
    assert has_hidden(text) == (shown != text)


@given(EVERYTHING)
def test_marked_text_has_nothing_hidden_left(text: str) -> None:
    assert not has_hidden(mark_hidden(text).replace("\u200d", "").replace("\u200c", ""))


def test_the_quick_test_takes_only_characters_that_every_test_takes() -> None:
    plain = [c for c in map(chr, range(0x10000)) if is_plainly_visible(c)]
    assert all(mark_hidden(c) == c == isolate(c) and not has_hidden("a" + c) for c in plain)
    assert all(is_plainly_visible(text) for text in ("", "Größe · 3 µm", "1 999,00\xa0€ – “ok”…"))
    assert not any(is_plainly_visible(text) for text in ("a\u00adb", "a\u200bb", "a\nb", "\u202e", "שלום", "a\u0301"))


def test_line_breaks_can_be_preserved() -> None:
    assert mark_hidden("a\n\tb\x00", lines=True) == "a\n\tb⟨U+0000⟩"
    assert not has_hidden("a\n\tb", lines=True)


@pytest.mark.parametrize(
    ("given_", "normal"),
    [
        ("  Zo\u0065\u0308   K\u00fchn ", "Zoë Kühn"), ("Anna\u00a0Berg", "Anna Berg"), ("\ufeffAnna", "Anna"),
        ("An\u200bna", "Anna"), ("An\u00adna", "Anna"), ("نامه\u200cای", "نامه\u200cای"), ("a\n b", "a b"),
    ],
)  # fmt: skip
def test_a_name_has_one_form(given_: str, normal: str) -> None:
    assert normalize_name(given_) == normal


@pytest.mark.parametrize("name", ["a\u202eb", "a\x1bb", "a\x00b", "a\u2066b", "a\ud800", "a\u061cb"])
def test_a_name_with_control_or_direction_characters_is_refused(name: str) -> None:
    with pytest.raises(TextInvalid):
        normalize_name(name)


INVISIBLE = [
    "", "  ", "\u200b\u200b", "\u2060", "\ufeff", "\u00ad", "\u2800 \u2800", "\u3164", "\U000e0041\U000e007f",
    "\u0301", "\u0301\u0308", "\u20dd", "\ufe0f", "\u200d", "\u00a0\u3000", "\u202e", "\x00", "\ue000", "\u115f",
    "\n\t", "\ufdd0",
]  # fmt: skip


@pytest.mark.parametrize("text", INVISIBLE)
def test_invisible_text_is_neither_a_name_nor_a_reason(text: str) -> None:
    assert not has_visible_text(text)
    with pytest.raises(InvalidInput):
        clean_name(text)
    with pytest.raises(InvalidInput) as refused:
        clean_reason(text)
    assert refused.value.extra == {"field": "reason"}


@pytest.mark.parametrize("text", ["a", "\u200bé", "e\u0301", "?", "€", "漢", "😀", "\u0e01\u0e33", "7", "\u0378"])
def test_visible_text_is_recognised(text: str) -> None:
    assert has_visible_text(text)


def test_a_reason_is_trimmed_and_limited_in_length() -> None:
    assert clean_reason(" a\r\nb\u200b ") == "a\nb\u200b"
    assert clean_reason("x" * 500) == "x" * 500
    for wrong in ("x" * 501, "a\x00", "a\ud800"):
        with pytest.raises(InvalidInput):
            clean_reason(wrong)


@given(ANY)
def test_normalising_twice_changes_nothing(text: str) -> None:
    for normalize in (normalize_name, normalize_password, normalize_email, normalize_domain):
        try:
            normal = normalize(text)
        except TextInvalid:
            continue
        assert normalize(normal) == normal, normalize
        assert is_storable(normal)


@given(ANY)
def test_a_password_is_the_same_however_it_was_composed(text: str) -> None:
    try:
        normal = normalize_password(text)
    except TextInvalid:
        return
    assert normalize_password(unicodedata.normalize("NFD", text)) == normal
    assert normalize_password(unicodedata.normalize("NFC", text)) == normal


def test_a_password_keeps_case_and_its_spaces_become_plain() -> None:
    assert normalize_password("Grün\u00a0 Haus\u3000") == "Grün  Haus "
    for bad in ("", "a\tb", "a\x00b", "a\ud800b"):
        with pytest.raises(TextInvalid):
            normalize_password(bad)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("Jose\u0301@Example.COM", "josé@example.com"), ("JOSÉ@example.com.", "josé@example.com"),
        ("a@MÜLLER.example", "a@müller.example"), ("a@xn--mller-kva.example", "a@müller.example"),
        ("a@mu\u0308ller.example", "a@müller.example"), ("a@müller。example", "a@müller.example"),
        ("STRASSE@x.example", "strasse@x.example"), ("straße@x.example", "strasse@x.example"),
        (" anna@x.example\n", "anna@x.example"),
    ],
)  # fmt: skip
def test_an_address_has_one_form(typed: str, address: str) -> None:
    assert normalize_email(typed) == address


@pytest.mark.parametrize(
    "typed", ["", "anna", "@x.example", "anna@", "an na@x.example", "an\u202ena@x.example", "anna@x..example",
              "anna@-x.example", "an\u200bna@x.example", "a\x00@x.example", "a@\ud800.example"],
)  # fmt: skip
def test_invalid_addresses_are_refused(typed: str) -> None:
    with pytest.raises(TextInvalid):
        normalize_email(typed)


@pytest.mark.parametrize(
    ("typed", "name"),
    [("Portal.Example.", "portal.example"), ("Portal.MÜLLER.example", "portal.xn--mller-kva.example"),
     ("localhost", "localhost"), ("xn--mller-kva.example", "xn--mller-kva.example")],
)  # fmt: skip
def test_a_host_name_is_normalised_for_dns(typed: str, name: str) -> None:
    assert normalize_domain(typed) == name
