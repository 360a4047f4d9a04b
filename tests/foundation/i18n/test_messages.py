"""Messages: their parameters are exactly the placeholders, and are stored as data that PostgreSQL's jsonb accepts."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import msgspec
import pytest

from foundation.i18n.messages import MessageType, StoredMessage, by_code, message_of
from tests.support.values import minor

GREETING = MessageType("greeting", "Dear {name}, since {since}", "For {name}")


def test_parameters_are_exactly_the_placeholders_of_text_and_title() -> None:
    assert GREETING.placeholders == {"name", "since"}
    for params in ({"name": "A"}, {"name": "A", "since": "B", "more": "C"}, {}):
        with pytest.raises(TypeError, match="greeting"):
            GREETING.fill(**params)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (datetime(2026, 11, 29, 12, 0, tzinfo=timezone(timedelta(hours=1))), "2026-11-29T11:00:00+00:00"),
        (
            datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14))),
            "9999-12-31T23:59:00-14:00",
        ),
        (minor(1050, "EUR"), {"type": "money", "amount": "10.5", "currency": "EUR"}),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (["a\x00b", 3], ["a\ufffdb", 3]),
        ("\ud800" * 3000, "\ufffd" * 2000),
        (StoredMessage("inner", {"x": "\x00"}), {"code": "inner", "params": {"x": "\ufffd"}}),
        (None, None),
    ],
)
def test_values_are_stored_as_data(given: object, stored: object) -> None:
    params = MessageType("one", "{it}").fill(it=given).params
    assert params == {"it": stored}
    assert msgspec.json.decode(msgspec.json.encode(params)) == params


def test_a_code_is_declared_once() -> None:
    assert by_code([GREETING, GREETING]) == {"greeting": GREETING}
    with pytest.raises(ValueError, match="greeting"):
        by_code([GREETING, MessageType("greeting", "Hello")])


def test_the_first_year_keeps_its_offset() -> None:
    at = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    assert MessageType("one", "{it}").fill(it=at).params == {"it": "0001-01-01T00:00:00+14:00"}
    assert MessageType("one", "{it}").fill(it=datetime(1, 1, 1, tzinfo=UTC)).params["it"].endswith("+00:00")


def test_a_message_text_is_the_english_sentence_with_code_and_parameters() -> None:
    why = MessageType("why", "It answered {status}.").write(status="503")
    whole = MessageType("whole", "Not sent: {reason} ({quote})").write(reason=why, quote="a\x00b")
    assert whole == "Not sent: It answered 503. (a\ufffdb)"
    assert whole.message == StoredMessage(
        "whole", {"reason": {"code": "why", "params": {"status": "503"}}, "quote": "a\ufffdb"}
    )
    assert message_of(whole) is whole.message
    assert message_of("Out of paper") == StoredMessage("text", {"text": "Out of paper"})
