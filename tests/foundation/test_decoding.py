"""The depth of JSON from other systems is checked before parsing."""

import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.decoding import (
    MAX_DEPTH,
    ForeignDecoder,
    JsonDecoder,
    RepeatedKey,
    TooDeep,
    decode_foreign,
    decode_json,
    find_repeated_key,
    holds_nul,
)

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\', max_size=4), inner, max_size=3),
    max_leaves=200,
)


class Shape(msgspec.Struct):
    a: int = 0


@pytest.mark.parametrize(
    "document",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[{" * 50_000,
        b'{"a":1,"x":' + b"[" * 500 + b"]" * 500 + b"}",
        b'[{"a":' * 33 + b"1" + b"}]" * 33,
    ],
)
@pytest.mark.parametrize("shape", [None, Shape, list[Any], msgspec.Raw, dict[str, msgspec.Raw]])
def test_a_document_that_is_too_deep_is_malformed_in_every_shape(document: bytes, shape: Any) -> None:
    began = time.monotonic()
    with pytest.raises(msgspec.DecodeError):
        decode_json(document, type=shape) if shape else decode_json(document)
    with pytest.raises(TooDeep):
        JsonDecoder(shape).decode(document)
    assert time.monotonic() - began < 5


def test_the_limit_is_inclusive() -> None:
    assert decode_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    with pytest.raises(TooDeep):
        decode_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@given(_VALUES)
def test_shallow_documents_are_decoded(value: Any) -> None:
    assert decode_json(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["[" * 1000, "{[" * 500 + '"', '\\"[' * 300, "\\" * 99, "\\\\" * 99 + "]" * 99])
def test_brackets_in_texts_do_not_count_as_depth(text: str) -> None:
    assert decode_json(json.dumps([text, {text: text}])) == [text, {text: text}]


@pytest.mark.parametrize(
    "hostile", [b'"' + b'\\"' * 500_000, b'"' * 1_000_000, b"\\" * 1_000_000, b"[]" * 500_000, b'["[",' * 200_000]
)
def test_the_check_is_linear(hostile: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(msgspec.DecodeError):
        decode_json(hostile)
    assert time.monotonic() - began < 5


def test_bytes_that_are_no_utf_8_are_a_decode_error() -> None:
    with pytest.raises(msgspec.DecodeError, match="UTF-8"):
        decode_json(b'{"a": "\xff"}')


def test_a_nearly_used_up_stack_is_a_decode_error() -> None:
    def deeper(levels: int) -> Any:
        return deeper(levels - 1) if levels else decode_json(b"[" * 60 + b"]" * 60)

    for levels in range(600, 1000, 5):
        try:
            deeper(levels)
        except RecursionError:
            continue  # for this test's own calls
        except msgspec.DecodeError:
            return
    pytest.fail("the stack was never used up inside the decoder")


@pytest.mark.parametrize(
    ("document", "holds"),
    [
        (rb'"\u0000"', True), (rb'"a\\\u0000"', True), (rb'"\\u0000"', False), (rb'"\\\\u0000"', False),
        (rb'"\u00001"', True),
        (b'"u0000"', False),
    ],
)  # fmt: skip
def test_a_nul_in_a_text_is_found_and_a_backslash_before_u0000_is_none(document: bytes, holds: bool) -> None:  # noqa: FBT001
    assert holds_nul(document) is holds
    assert ("\x00" in decode_json(document)) is holds


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (rb'{"a": "\ud800x", "b": 1}', {"a": "\ufffdx", "b": 1}),
        (rb'{"a": "\udc00\ud800\u0041"}', {"a": "\ufffd\ufffdA"}),
        (rb'{"a": "\ud83d\ude00 \\ud800"}', {"a": "\U0001f600 \\ud800"}),
        (rb'{"a": "\ud83d\ude00 \\\udbff"}', {"a": "\U0001f600 \\\ufffd"}),
        (b'{"a": "caf\xe9"}', {"a": "caf\ufffd"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    ],
)
def test_unstorable_text_affects_its_own_field_only(document: bytes, found: object) -> None:
    assert decode_foreign(document, type=dict) == found


@pytest.mark.parametrize("document", [b"", b"{", b'{"a": "\\u12"}', b"\xef\xbb\xbf", b"[" * 1000])
def test_invalid_json_is_none(document: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_foreign(document, type=dict)


@pytest.mark.parametrize(
    ("document", "repeated"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"x": [{"b": {}}, {"b": 1, "c": 2, "b": 3}]}', "b"),
        (b'{"a": 1, "\\u0061": 2}', "a"),
        (b'{"": 1, "": 2}', ""),
        (b'[{"a": 1}, {"a": 1}]', None),
        (b'{"a": {"a": {"a": "{\\"a\\": 1, \\"a\\": 2}"}}}', None),
        (b'{"a": ' + b"9" * 10_000 + b', "b": 1e999, "A": 1}', None),
        (b"[" * 64 + b"]" * 64, None),
        (b"null", None),
    ],
)
def test_a_key_that_an_object_holds_twice_is_found(document: bytes, repeated: str | None) -> None:
    assert find_repeated_key(document) == repeated


@pytest.mark.parametrize(
    ("document", "key"),
    [
        (b'{"amount": 1, "amount": 2}', "amount"),
        (b'{"a": {"b": [{"c": 1, "d": 2, "c": 1}]}}', "c"),
        ('{"caf\u00e9": 1, "caf\\u00e9": 2}'.encode(), "caf\u00e9"),
        (b'\xef\xbb\xbf{"a": 1, "a": 2}', "a"),
        (b'{"a": "\\ud800", "b": 1, "b": 2}', "b"),
        ('{"a\u202e": 1, "a\u202e": 2}'.encode(), "a"),
    ],
)
def test_a_field_that_another_system_sends_twice_is_ambiguous(document: bytes, key: str) -> None:
    with pytest.raises(RepeatedKey) as refused:
        decode_foreign(document, type=dict)
    assert key in str(refused.value)
    assert "\u202e" not in str(refused.value)


@pytest.mark.parametrize(
    "document",
    [
        b'{"a": 1, "A": 2}',
        '{"caf\u00e9": 1, "cafe\u0301": 2}'.encode(),
        b'{"a": {"a": {"a": "{\\"a\\": 1, \\"a\\": 2}"}}}',
        b'{"a": "x\\ny", "b": [{"a": 1}, {"a": 1}]}',
    ],
)
def test_similar_field_names_are_different_fields(document: bytes) -> None:
    assert isinstance(decode_foreign(document, type=dict), dict)


def test_the_parts_of_a_batch_are_checked_one_by_one() -> None:
    outer = ForeignDecoder(dict[str, list[msgspec.Raw]], nested=False)
    assert len(outer.decode(b'{"changes": [{"a": 1, "a": 2}, {"a": 1}]}')["changes"]) == 2
    with pytest.raises(RepeatedKey, match="changes"):
        outer.decode(b'{"changes": [{"a": 1}], "changes": []}')
    assert ForeignDecoder(list[msgspec.Raw], nested=False).decode(b'[["a", 1], ["a", 2]]')


class _Dated(msgspec.Struct):
    at: Annotated[datetime, msgspec.Meta(tz=True)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2015-06-30t23:59:60.25z", "2015-07-01T00:00:00.250000+00:00"),
        ("2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00+00:00"),
        ("2016-12-31T15:59:60-08:00", "2017-01-01T00:00:00+00:00"),
        ("2016-12-31T23:59:59Z", "2016-12-31T23:59:59+00:00"),
    ],
)  # fmt: skip
def test_a_leap_second_counts_as_the_next_second(written: str, read: str) -> None:
    found = ForeignDecoder(_Dated).decode(f'{{"at": "{written}"}}')
    assert found.at.astimezone(UTC) == datetime.fromisoformat(read)


@pytest.mark.parametrize(
    "written",
    [
        "2016-12-31T22:59:60Z",
        "2016-12-30T23:59:60Z",
        "2016-12-31T23:58:60Z",
        "2016-12-31T23:59:61Z",
        "9999-12-31T23:59:60Z",
    ],
)
def test_invalid_leap_seconds_are_refused(written: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        ForeignDecoder(_Dated).decode(f'{{"at": "{written}"}}')
