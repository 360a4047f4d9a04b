"""Text of other systems is displayed with its hidden characters marked, on pages, in logs and in sentences."""

import io
import json

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from branding.environment import build_environment
from branding.formats import format_key
from canonical.keys import ElementKey
from foundation.telemetry.logging import configure_logging
from foundation.text import has_hidden, mark_key
from governance.labels import name_subject

HOSTILE = {
    "bidi override": "SKU-\u202e1", "isolate": "SKU\u2066-1", "zero width": "SKU\u200b-1", "escape": "SKU\x1b[31m-1",
    "C1 control": "SKU\x9b31m-1", "line break": "SKU\r\n-1", "nul": "SKU\x00-1", "tag": "SKU\U000e0041-1",
    "soft hyphen": "SKU\xad-1", "byte order mark": "\ufeffSKU-1", "filler": "SKU\u3164-1", "surrogate": "SKU\ud800-1",
    "line separator": "SKU\u2028-1", "backspace": "SKU\x08-1",
    "tags block": "SKU\U000e0000-1", "reserved tag": "SKU\U000e0080-1", "variation selector": "SKU\ufe0f-1",
    "Mongolian selector": "SKU\u180b-1", "blank Braille": "SKU\u2800-1", "ideographic selector": "SKU\U000e0100-1",
    "reserved ignorable": "SKU\u2065-1", "stack of marks": f"SKU{chr(0x336) * 40}-1",
    "null notehead": "SKU\U0001d159-1",
}  # fmt: skip
environment = build_environment({}, static_url=lambda name: name)


def render(source: str, **values: object) -> str:
    return environment.from_string(source).render(**values)


@pytest.mark.parametrize("key", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_page_marks_hidden_characters_in_a_key(key: str) -> None:
    for source in ("{{ key|key }}", '<p title="{{ key|key }}">{{ name }}</p>', "{{ key }}", "{{ [key]|join }}"):
        page = render(source, key=key, name=key)
        kept = page.replace("\n", "") if source == "{{ key }}" or "join" in source or "name" in source else page
        assert not has_hidden(kept.replace("\u2068", "").replace("\u2069", "")), source
        assert "⟨U+" in page or key == HOSTILE["line break"]
    assert "⟨U+" in format_key(key)
    assert "⟨U+" in name_subject(ElementKey(key, "price.list"))


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("SKU-1", "SKU-1"), ("SKU 1", "SKU 1"), ("SKU-1 ", "SKU-1␣"), (" SKU-1", "␣SKU-1"), ("SKU  1", "SKU␣␣1"),
        ("SKU\xa01", "SKU⟨U+00A0⟩1"), ("SKU\u30001", "SKU⟨U+3000⟩1"), ("SKU\u20091", "SKU⟨U+2009⟩1"), (" ", "␣"),
        ("SK\u00dc", "SK\u00dc"), ("SKU\u0308", "SKU\u0308⟨not NFC⟩"), ("\u05d0-1", "\u05d0-1"),
    ],
)  # fmt: skip
def test_differences_of_similar_keys_are_visible(key: str, shown: str) -> None:
    assert mark_key(key) == shown


@given(st.text(min_size=1, max_size=20))
def test_different_keys_are_displayed_differently(key: str) -> None:
    for other in (f"{key} ", f" {key}", f"{key}\u200b", f"{key}\u202e", f"{key}\xa0"):
        assert mark_key(key) != mark_key(other)


def test_text_written_from_right_to_left_is_isolated() -> None:
    assert render("{{ key }}", key="\u05d0-1") == "\u2068\u05d0-1\u2069"
    assert render("{{ key|key }}", key="\u05d0-1") == '<bdi class="key">\u05d0-1</bdi>'
    assert render("{{ key }}", key="Zürich – 1\xa0€") == "Zürich – 1\xa0€"


@pytest.mark.parametrize("key", HOSTILE.values(), ids=HOSTILE.keys())
def test_text_joined_to_markup_is_marked_too(key: str) -> None:
    """`~` and attributes turn joined text into markup; it must not be mistaken for the product's own."""
    for source in ('{{ own ~ key ~ "." }}', '{{ "" ~ ("of " ~ own) ~ key }}', '<p{{ {"title": key}|xmlattr }}>'):
        page = render(source, key=key, own=Markup("<b>x</b>"))
        assert not has_hidden(page.replace("\u2068", "").replace("\u2069", ""), lines=True), source
        assert "&lt;b" not in page


def test_joined_text_is_escaped_once() -> None:
    assert render("{{ own ~ text }}", own=Markup("<b>"), text="<i>&") == "<b>&lt;i&gt;&amp;"
    assert render("{{ text ~ 1 ~ none }}", text="<i>") == "&lt;i&gt;1None"
    assert render('{% set joined = text ~ "" %}{{ joined|urlencode }}', text="\u202e") == "%E2%80%AE"


def test_markup_and_form_values_are_unchanged() -> None:
    assert render("{{ one }}", one=Markup("<b>\u200b</b>")) == "<b>\u200b</b>"
    forms = '{% import "components/ui.html" as ui %}{{ ui.filter_search("record", "SKU", value) }}'
    assert 'value="SKU-\u202e&lt;1"' in render(forms, value="SKU-\u202e<1")
    assert render("{{ text }}", text="one\r\ntwo\tthree") == "one\ntwo\tthree"


@pytest.mark.parametrize(
    ("key", "address"),
    [("SKU-1 ", "SKU-1%20"), ("a/../b", "a%2F..%2Fb"), ('"%&#', "%22%25%26%23"), ("\u202e", "%E2%80%AE"), ("*", "%2A")],
)
def test_a_key_in_an_address_is_encoded_in_full(key: str, address: str) -> None:
    assert render("{{ key|exactly }}", key=key) == address


@pytest.mark.parametrize("in_json", [True, False])
def test_a_log_line_contains_no_control_characters(in_json: bool) -> None:  # noqa: FBT001
    output = io.StringIO()
    configure_logging(json=in_json, stream=output)
    try:
        for key in HOSTILE.values():
            structlog.get_logger("test").info("seen", key=key, more={"keys": [key]}, error=f"no {key}")
    finally:
        configure_logging(json=True)
    text = output.getvalue()
    assert len(text.splitlines()) == len(HOSTILE) == text.count("\n")
    assert not has_hidden(text, lines=True)
    if in_json:
        found = [json.loads(line)["key"] for line in text.splitlines()]
        assert found[0] == HOSTILE["bidi override"]
