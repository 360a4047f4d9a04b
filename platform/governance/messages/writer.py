"""Sentences of stored messages, in the reader's language and time zone.

A parameter's name determines its format. Texts of other systems are inserted unchanged, except that they are bounded
and without control characters; pages escape the whole sentence and mark invisible characters, as in any other text.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from canonical.values import minor_money, quantity, to_value
from foundation.i18n.localizer import Localizer, current_localizer
from foundation.i18n.messages import REFUSED, TEXT, MessageText, MessageType, Sentence, StoredMessage, params_of
from foundation.marks import N_
from foundation.text import clean_error_text, mark_key
from governance.labels import HIDDEN, write_dimension, write_element, write_value
from governance.messages.catalogue import MESSAGES
from policy.redaction import is_hidden
from policy.role_labels import role_label

_LONGEST: Final = 1000
_REVEALING: Final = frozenset({"value", "shown", "expected", "read", "reason", "error", "text", "answer"})
"""Parameters of messages about an element that contain values, or texts of other systems, which may contain them."""
_OUTCOMES: Final = {
    "auto": N_("passed by policy"),
    "review": N_("approval needed"),
    "refuse": N_("refused by policy"),
}
_FACTS: Final = {
    "change_bp": N_("size of the change"),
    "month_change_bp": N_("size of the change within the month"),
    "old_minor": N_("earlier price"),
    "new_minor": N_("new price"),
    "cost_minor": N_("cost"),
    "currency": N_("currency"),
    "change_quantity": N_("change of the quantity"),
    "old_quantity": N_("earlier quantity"),
    "new_quantity": N_("new quantity"),
    "hour": N_("hour of the day"),
    "weekday": N_("day of the week"),
}
"""Facts of rules (`policy.facts`)."""


def write_title(message: StoredMessage, localizer: Localizer) -> str:
    """The title; that of a legacy message is its first parameter of that name."""
    return _write(message, MESSAGES.get(message.code), "title", localizer)


def write_message(message: StoredMessage, localizer: Localizer) -> str:
    return _write(message, MESSAGES.get(message.code), "text", localizer)


def write_reason(message: StoredMessage | None, *, element: str = "") -> str | None:
    """The sentence of a reason that may be missing, in the current reader's language.

    `element`: the element that the reason is about, if the message does not name it.
    """
    if message is None:
        return None
    if is_hidden(element):
        message = StoredMessage(message.code, {"element": element, **message.params})
    return write_message(message, current_localizer())


def write_text(text: str, localizer: Localizer | None = None) -> str:
    """The sentence of a text that has a message; else the text itself."""
    return write_message(text.message, localizer or current_localizer()) if isinstance(text, MessageText) else text


def _write(message: StoredMessage, declared: MessageType | None, part: str, localizer: Localizer) -> str:
    is_shown = not is_hidden(message.params.get("element"))
    if not is_shown and (declared is None or message.code in {REFUSED.code, "legacy"}):
        return localizer.text(HIDDEN)
    if message.code == REFUSED.code and part == "text":
        return _refusal(message, localizer)
    if declared is None or message.code == "legacy":
        return clean_error_text(str(message.params.get(part, message.code)), longest=2 * _LONGEST)
    source = declared.title if part == "title" else declared.text
    names = declared.placeholders & message.params.keys()
    if not is_shown:
        shown = {**message.params, **dict.fromkeys(names & _REVEALING, TEXT.fill(text=localizer.text(HIDDEN)))}
        message = StoredMessage(message.code, {name: msgspec.to_builtins(each) for name, each in shown.items()})
    written = {name: _PARAMS.get(name, _text)(message.params[name], localizer) for name in names}
    return localizer.text(source).format_map(_Params(written))


def _refusal(message: StoredMessage, localizer: Localizer) -> str:
    """A sentence stored with its source text. There is no translation if the text was reworded since."""
    sentence = msgspec.convert(message.params["sentence"], Sentence)
    return clean_error_text(localizer.fill(sentence.source, params_of(sentence)), longest=2 * _LONGEST)


class _Params(dict[str, str]):
    def __missing__(self, name: str) -> str:
        """Placeholder of a parameter that is missing in an older row."""
        return "—"


def _text(value: Any, localizer: Localizer) -> str:
    """A text of another system, or a message."""
    if isinstance(value, Mapping):
        return write_message(msgspec.convert(value, StoredMessage), localizer)
    return clean_error_text("" if value is None else str(value), longest=_LONGEST)


def _element(value: Any, localizer: Localizer) -> str:
    """The element, with its dimension if it has one: “Stock on hand (Berlin)”."""
    if isinstance(value, Mapping):
        part = write_dimension(str(value.get("dimension", "")), localizer)
        return f"{write_element(str(value.get('code', '')), localizer=localizer)} ({part})"
    return write_element(str(value), localizer=localizer)


def _key(value: Any, localizer: Localizer) -> str:  # noqa: ARG001 - as the others
    return mark_key(str(value))


def _value(value: Any, localizer: Localizer) -> str:
    """A value by its fields, or the text or message that a channel showed in place of a value."""
    if isinstance(value, str) or (value is not None and "code" in value and "params" in value):
        return _text(value, localizer)
    if value is not None and "type" not in value:  # stored before values had types
        currency = value.get("currency")
        value = msgspec.to_builtins(minor_money(value["amount"], currency) if currency else quantity(value["amount"]))
    return write_value(to_value(value), localizer)


def _roles(value: Any, localizer: Localizer) -> str:  # noqa: ARG001 - as the others
    each = value if isinstance(value, list) else [value]
    return ", ".join(clean_error_text(role_label(str(one)), longest=_LONGEST) for one in each)


def _moment(value: Any, localizer: Localizer) -> str:
    return localizer.moment(datetime.fromisoformat(str(value)))


def _list(value: Any, localizer: Localizer) -> str:
    """The parts of a list, joined by commas; a single text as it is."""
    return ", ".join(_text(each, localizer) for each in value) if isinstance(value, list) else _text(value, localizer)


def _facts(value: Any, localizer: Localizer) -> str:
    return ", ".join(localizer.text(_FACTS.get(name, str(name).replace("_", " "))) for name in value)


def _size(value: Any, localizer: Localizer) -> str:
    """The size of a change or value in a rule: a percentage, or a value by its fields."""
    return _percent(value["percent"], localizer) if "percent" in value else _value(value, localizer)


def _percent(value: Any, localizer: Localizer) -> str:
    """A percentage such as 2.5, with the digits that it has."""
    number = Decimal(str(value))
    return localizer.percent(number.scaleb(-2), max(0, -int(number.as_tuple().exponent)))


def _outcome(value: Any, localizer: Localizer) -> str:
    return localizer.text(_OUTCOMES.get(str(value), str(value)))


_PARAMS: Final[Mapping[str, Callable[[Any, Localizer], str]]] = {
    "element": _element,
    "record_key": _key,
    "value": _value,
    "shown": _value,
    "expected": _value,
    "dated_at": _moment,
    "read_at": _moment,
    "seen_at": _moment,
    "since": _moment,
    "expires_at": _moment,
    "records": _list,
    "named": _list,
    "dimensions": _list,
    "roles": _roles,
    "conditions": _list,
    "names": _list,
    "size": _size,
    "percent": _percent,
    "facts": _facts,
    "outcome": _outcome,
}
