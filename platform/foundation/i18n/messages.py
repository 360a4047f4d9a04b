"""Messages: stored as a code with parameters, written as a sentence when shown."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from string import Formatter
from typing import Any, Final
from uuid import UUID

import msgspec

from foundation.text import clean_foreign_text

_LONGEST: Final = 2000
"""Characters of one parameter. A longer text of another system is cut."""


class StoredMessage(msgspec.Struct, frozen=True, gc=False):
    """A message as it is stored. `params` are of JSON's types: instants in UTC, values as their fields, keys raw."""

    code: str
    params: dict[str, Any] = msgspec.field(default_factory=dict)


class MessageText(str):
    """The English sentence of a message, with the message itself: for what is logged or kept as text, too."""

    __slots__ = ("message",)
    message: StoredMessage


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
        written = {
            name: value if isinstance(value, MessageText) else message.params[name] for name, value in params.items()
        }
        text = MessageText(self.text.format_map(written))
        text.message = message
        return text


LEGACY: Final = MessageType("legacy", "{text}")
"""A sentence stored before messages had codes, in the language in which it was written."""
TEXT: Final = MessageType("text", "{text}")
"""A text that is data: the words of a rule, a member or another system."""


def message_of(text: str) -> StoredMessage:
    """The message of a text that has one; else the text as data."""
    return text.message if isinstance(text, MessageText) else TEXT.fill(text=text)


def placeholders_of(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name)


def encode_message(message: StoredMessage) -> str:
    """The message as the text of a jsonb value."""
    return msgspec.json.encode(message).decode()


def by_code(types: Iterable[MessageType]) -> Mapping[str, MessageType]:
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
        return {name: to_param(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_param(each) for each in value]
    return str(value) if isinstance(value, UUID) else value


def write_instant(moment: datetime) -> str:
    """ISO 8601 in UTC. An instant of another system that has no year in UTC keeps its own offset."""
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        return moment.isoformat()
