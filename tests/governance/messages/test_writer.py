"""Sentences of stored messages: every declared one renders, foreign text has no effect, old rows keep their text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from string import Formatter

import msgspec
import pytest

from canonical.fields import InvalidMessage
from canonical.keys import ElementKey
from canonical.messages import Observation, Party
from canonical.money import InexactAmount, Money, UnknownCurrency, minor_exponent
from canonical.values import MoneyValue, quantity
from connectors.http.errors import failed_writes
from connectors.ports import ChannelReading, ChannelWrite, PayloadInvalid
from foundation.errors import Conflict
from foundation.i18n.localizer import ENGLISH, Localizer
from foundation.i18n.messages import StoredMessage, encode_message, message_of, reason_of
from foundation.marks import N_, Phrase
from governance.messages import exceptions, reasons
from governance.messages.catalogue import MESSAGES
from governance.messages.parameters import about
from governance.messages.writer import write_message, write_text, write_title
from governance.records.validation import admit, admit_reading
from tests.support.values import minor

KEY = ElementKey("SKU-1", "price.list")
SAMPLES: dict[str, object] = {
    "element": "price.list", "record_key": "SKU-1", "value": minor(1050, "EUR"), "shown": minor(1, "EUR"),
    "expected": minor(2, "EUR"), "records": ["7", "8"], "facts": ["cost_minor"],
    "outcome": "review", "text": "text", "names": ["EU", "CH"], "percent": "2.5", "size": {"percent": "2.5"},
    "conditions": [{"code": "rule.up", "params": {}}],
    "dated_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "read_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "seen_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "since": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "expires_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "sentence": {"code": "conflict", "source": "It has changed.", "params": {}},
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_every_message_can_be_written(code: str) -> None:
    declared = MESSAGES[code]
    message = declared.fill(**{name: SAMPLES.get(name, f"<{name}>") for name in declared.placeholders})
    written = f"{write_title(message, ENGLISH)} {write_message(message, ENGLISH)}"
    assert not [name for _, name, _, _ in Formatter().parse(written) if name]
    for name in declared.placeholders - SAMPLES.keys():
        assert f"<{name}>" in written


def test_a_sentence_is_written_from_data() -> None:
    message = exceptions.SOURCE_STALE.fill(
        element="price.list", record_key=" SKU\u202e", value=minor(199900, "USD"), version=7
    )
    assert write_message(message, ENGLISH).startswith(
        "List price of ␣SKU⟨U+202E⟩ arrived as $1,999.00 with version 7, which"
    )


def test_a_reason_is_a_text_of_another_system_or_a_message() -> None:
    said = exceptions.MESSAGE_QUARANTINED.fill(reason="It says {value} and \x1b[31m")
    assert write_message(said, ENGLISH).startswith("It says {value} and \ufffd[31m The original message is stored")
    ours = exceptions.MESSAGE_QUARANTINED.fill(reason=reasons.CONNECTOR_FAILED.fill(error="KeyError"))
    assert write_message(ours, ENGLISH).startswith("The connector could not read it (KeyError). The original message")


def test_a_channels_reading_is_a_value_a_text_or_nothing() -> None:
    about = {"element": "price.list", "record_key": "A", "expected": minor(1, "EUR"), "seen_at": SAMPLES["seen_at"]}
    for shown, wanted in ((minor(5, "EUR"), "shows €0.05,"), ("12,3", "shows 12,3,"), (None, "shows nothing,")):
        assert wanted in write_message(exceptions.DRIFT_READ.fill(**about, shown=shown), ENGLISH)


def test_an_old_sentence_is_preserved() -> None:
    old = StoredMessage("legacy", {"title": "Old {title}", "text": "Old text of {nobody}."})
    assert (write_title(old, ENGLISH), write_message(old, ENGLISH)) == ("Old {title}", "Old text of {nobody}.")


def test_a_row_with_a_former_code_has_the_present_sentence() -> None:
    old = StoredMessage("connector.said", {"system": "Vendure", "text": "No stock"})
    assert write_message(old, ENGLISH) == "Vendure reports: “No stock”"


def test_a_code_of_a_later_release_and_a_missing_parameter_are_shown_as_far_as_known() -> None:
    assert write_message(StoredMessage("not.known", {"a": "b"}), ENGLISH) == "not.known"
    assert write_message(StoredMessage("contract.missing"), ENGLISH).startswith("— is reported, but")


@dataclass(frozen=True)
class Answer:
    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""


def test_a_channels_answer_is_written_in_the_readers_language() -> None:
    [refused] = failed_writes(Answer(401), [ChannelWrite(KEY, minor(100, "EUR"), 1, "x")]) or []
    message = exceptions.PROPAGATION_REFUSED.fill(**about(KEY), reason=message_of(refused.detail))
    assert message.params["reason"] == {"code": "connector.channel_sign_in_refused", "params": {"status": "401"}}
    german = (
        "Listenpreis von SKU-1: Der Kanal hat unsere Anmeldung nicht angenommen (401). Prüfen Sie die Zugangsdaten."
    )
    assert write_message(message, Localizer("de")) == german
    own_words = exceptions.PROPAGATION_REFUSED.fill(**about(KEY), reason=message_of("Out of paper"))
    assert write_message(own_words, Localizer("de")) == "Listenpreis von SKU-1: Out of paper"


def test_an_impossible_value_is_reported_in_the_readers_language() -> None:
    seen = Observation("SKU-1", "price.list", quantity(7), 1, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(PayloadInvalid) as refused:
        admit(seen, received_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert str(refused.value) == "price.list of SKU-1 cannot be stored: It is of type money, not quantity."
    german = "Listenpreis von SKU-1 kann nicht gespeichert werden: Er ist vom Typ money, nicht quantity."
    assert write_text(refused.value.reason, Localizer("de")) == german


class _Outer(msgspec.Struct):
    found: list[MoneyValue]


def test_an_error_of_canonical_is_written_in_the_readers_language() -> None:
    """Also an error that decoding wrapped, with its place, and one within another."""
    with pytest.raises(UnknownCurrency) as unknown:
        minor_exponent("EURO")
    with pytest.raises(msgspec.ValidationError) as wrapped:
        msgspec.json.decode(b'{"found":[{"type":"money","amount":"many","currency":"EUR"}]}', type=_Outer)
    with pytest.raises(InexactAmount) as inexact:
        Money.from_text("1.005", "EUR")
    with pytest.raises(InvalidMessage) as unfit:
        Party("buyer", "")
    stored = [reason_of(each.value).message for each in (unknown, wrapped, inexact, unfit)]
    assert [write_message(each, ENGLISH) for each in stored] == [
        "“EURO” is not a currency of ISO 4217.",
        "“many” is not a plain decimal number. (at $.found[0])",
        "1.005 has more than 2 digits after the decimal point. It is no exact amount of EUR.",
        "Party's ID: “” does not have 1 to 200 characters, or one of them is NUL or lost.",
    ]
    assert [write_message(each, Localizer("de")) for each in stored] == [
        "„EURO“ ist keine Währung nach ISO 4217.",
        "„many“ ist keine einfache Dezimalzahl. (bei $.found[0])",
        "1.005 hat mehr als 2 Stellen nach dem Komma. Das ist kein genauer Betrag in EUR.",
        "Kennung des Beteiligten: „“ hat nicht 1 bis 200 Zeichen, oder eines davon ist NUL oder verloren.",
    ]
    assert str(reason_of(inexact.value)) == write_message(stored[2], ENGLISH)


def test_a_refusal_that_stops_a_job_is_written_in_the_readers_language() -> None:
    """With its numbers and phrases; in English if the text was reworded since."""
    error = Conflict(
        N_("The reason has {number} characters; at most {most} are allowed. Shorten it."),
        params={"number": 1234, "most": Phrase(N_("Stock on hand"))},
    )
    stored = msgspec.json.decode(encode_message(reason_of(error).message), type=StoredMessage)
    assert stored.params["sentence"]["code"] == "conflict"
    assert write_message(stored, ENGLISH).startswith("The reason has 1,234 characters; at most Stock on hand are")
    german = write_message(stored, Localizer("de"))
    assert "1.234" in german
    assert "Lagerbestand" in german
    gone = reason_of(Conflict("Nothing {more} says this.", params={"more": "here"})).message
    assert write_message(gone, Localizer("de")) == "Nothing here says this."
    assert reason_of(Conflict(reasons.PAUSED.write())).message == reasons.PAUSED.fill()


def test_a_reading_that_is_no_value_says_why_in_the_readers_language() -> None:
    odd = admit_reading(ChannelReading(KEY, quantity(1)))
    assert (odd.value, str(odd.unreadable)) == (None, "1. It is of type money, not quantity.")
    reason = reasons.NOT_EXACT.fill(shown=odd.unreadable)
    assert write_message(reason, Localizer("de")).endswith("1. Er ist vom Typ money, nicht quantity.")
