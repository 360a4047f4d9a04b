"""Messages: stored as a code with parameters, written as a sentence when shown."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from string import Formatter
from typing import Any, Final, Protocol, runtime_checkable
from uuid import UUID

import msgspec

from foundation.marks import N_, Phrase
from foundation.text import clean_foreign_text

_LONGEST: Final = 2000
"""Characters of one parameter. A longer text of another system is cut."""


class StoredMessage(msgspec.Struct, frozen=True, gc=False):
    """A message as it is stored. `params` are of JSON's types: instants in UTC, values as their fields, keys raw."""

    code: str
    params: dict[str, Any] = msgspec.field(default_factory=dict)


class MessageText(str):
    """The English sentence of a message, for logs, with the message itself. `source`: the text with placeholders."""

    __slots__ = ("message", "source")
    message: StoredMessage
    source: str


class MessageType(msgspec.Struct, frozen=True):
    """Declaration of a message: its code and its English text, with named placeholders. A title is optional."""

    code: str
    text: str
    title: str = ""

    @property
    def placeholders(self) -> frozenset[str]:
        return placeholders_of(self.text) | placeholders_of(self.title)

    def fill(self, **params: object) -> StoredMessage:
        """The message with these parameters. Raises TypeError unless they are exactly the placeholders."""
        if params.keys() != self.placeholders:
            raise TypeError(f"{self.code} has the parameters {sorted(self.placeholders)}, not {sorted(params)}")
        return StoredMessage(self.code, {name: to_param(value) for name, value in params.items()})

    def write(self, **params: object) -> MessageText:
        """As `fill`, with the English sentence. Texts of other systems are cleaned as parameters, not as sentences."""
        message = self.fill(**params)
        written = {name: _in_english(value, message.params[name]) for name, value in params.items()}
        text = MessageText(self.text.format_map(written))
        text.message, text.source = message, self.text
        return text


LEGACY: Final = MessageType("legacy", "{text}")
"""A sentence stored before messages had codes, in the language in which it was written."""
TEXT: Final = MessageType("text", "{text}")
"""A text that is data: of a rule, a member or another system."""
FAILED: Final = MessageType("failed", N_("{type}: {error}"))
"""An undeclared error, with the text of the program or library that raised it."""
REFUSED: Final = MessageType("refused", "{sentence}")
"""A refusal of ours, stored as its marked English sentence, the key of the catalogues, with its own parameters. A
sentence that was reworded since is shown in English.
"""
AT: Final = MessageType("at", N_("{reason} (at {place})"))
"""A reason in one place of a document."""
_PROBLEM: Final = frozenset({"code", "text", "params"})
"""Fields of a `CodedReason`, of which the text is not stored."""
_PLACE: Final = re.compile(r" - at `(.+)`$")
"""The notation of a place in msgspec's errors."""


class Sentence(msgspec.Struct, frozen=True):
    """The parameter of REFUSED. `code`: of the error's class. `params`: numbers and texts; a `Phrase` is a mapping."""

    code: str
    source: str
    params: dict[str, Any]


@runtime_checkable
class CodedReason(Protocol):
    """A reason declared by a package that does not import this one, such as `canonical.problems`."""

    @property
    def code(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def params(self) -> Mapping[str, object]: ...


def message_of(text: str) -> StoredMessage:
    """The message of a `MessageText`; any other text as data (`TEXT`)."""
    return text.message if isinstance(text, MessageText) else TEXT.fill(text=text)


def reason_of(error: BaseException) -> MessageText:
    """The message of an error: its `reason` or `problem`, else its type and text."""
    return _declared_in(error) or FAILED.write(type=type(error).__name__, error=str(error))


def placeholders_of(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


def encode_message(message: StoredMessage) -> str:
    """The message as the text of a jsonb value."""
    return msgspec.json.encode(message).decode()


def text_of(error: BaseException) -> MessageText:
    """As `reason_of`, without the type of an error about a value, which is of no use to readers."""
    return _declared_in(error) or TEXT.write(text=str(error))


def write_refusal(code: str, source: str, params: Mapping[str, object], english: str) -> MessageText:
    """A refusal as REFUSED: an error's class code, its marked sentence with its parameters, and that in English."""
    own = {name: {"phrase": str(each)} if isinstance(each, Phrase) else to_param(each) for name, each in params.items()}
    text = MessageText(english)
    text.message, text.source = StoredMessage(REFUSED.code, {"sentence": to_param(Sentence(code, source, own))}), source
    return text


def params_of(sentence: Sentence) -> dict[str, object]:
    """The parameters as `Localizer.fill` takes them."""
    return {
        name: Phrase(each["phrase"]) if isinstance(each, Mapping) and each.keys() == {"phrase"} else each
        for name, each in sentence.params.items()
    }


def write_problem(problem: CodedReason) -> MessageText:
    """A problem as the message of its code."""
    return MessageType(problem.code, problem.text).write(**problem.params)


def _declared_in(error: BaseException | None) -> MessageText | None:
    """The `reason` or `problem` of an error; with its place in the document if decoding wrapped the error."""
    if isinstance(reason := getattr(error, "reason", None), MessageText):
        return reason
    if isinstance(problem := getattr(error, "problem", None), CodedReason):
        return write_problem(problem)
    if isinstance(error, msgspec.ValidationError) and (inner := _declared_in(error.__cause__)) is not None:
        place = _PLACE.search(str(error))
        return inner if place is None else AT.write(reason=inner, place=place[1])
    return None


def encode_text(text: MessageText | None) -> str | None:
    """The message of `text` as the text of a jsonb value; None stays NULL."""
    return None if text is None else encode_message(text.message)


def to_message(document: object) -> StoredMessage | None:
    """The message stored in a jsonb column; None for NULL."""
    return None if document is None else msgspec.convert(document, StoredMessage)


def by_code(types: Iterable[MessageType]) -> dict[str, MessageType]:
    """Declarations by code. Raises ValueError for a code that is declared twice."""
    found: dict[str, MessageType] = {}
    for one in types:
        if found.setdefault(one.code, one) != one:
            raise ValueError(f"{one.code} is declared twice")
    return found


def to_param(value: object) -> Any:
    """`value` in JSON's types, storable."""
    if isinstance(value, MessageText):
        value = value.message
    if isinstance(value, str):
        return clean_foreign_text(value[:_LONGEST])
    if isinstance(value, datetime):
        return write_instant(value)
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, Mapping):
        if value.keys() == _PROBLEM:
            value = {"code": value["code"], "params": value["params"]}
        return {name: to_param(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_param(each) for each in value]
    return str(value) if isinstance(value, UUID) else value


def _in_english(value: object, param: object) -> object:
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    if isinstance(value, Mapping) and value.keys() == {"code", "dimension"}:
        return f"{value['code']} ({value['dimension']})"
    if isinstance(value, MessageText):
        return value
    return str(value) if isinstance(value, CodedReason) else param


def write_instant(moment: datetime) -> str:
    """ISO 8601 in UTC. An instant of another system that has no year in UTC keeps its own offset."""
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        return moment.isoformat()


NOTHING: Final = TEXT.write(text="")
"""The empty text, which is false in conditions."""
