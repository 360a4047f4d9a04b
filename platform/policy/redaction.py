"""Redaction of values that are hidden from a reader, in content and in sentences about the values."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple, get_args

import msgspec

from canonical.elements import REFERENCE_ELEMENTS, element_type
from canonical.values import VALUE_TYPES, HiddenValue, Value
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.redaction import hidden_elements_now, hide

HIDDEN: Final = HiddenValue()
_VALUES: Final = tuple(kind for part in get_args(Value) for kind in (get_args(part) or (part,)))
_TYPES: Final = frozenset(VALUE_TYPES)
_COSTS: Final = frozenset({"cost", "cost_value"})
"""Fields beside an element with the value of its reference element."""
_MARGIN: Final = "margin"
"""Beginning of the names of fields from which the reference element's value could be computed."""
_FOREIGN: Final = frozenset({"body", "payload", "response", "answer"})
"""Texts of other systems, which may contain any value: hidden as a whole if any element is hidden."""
_UNNAMED: Final = frozenset({"read", "sent"})
"""Fields with a value whose element is not named beside them: hidden if a hidden element may have such a value."""
_TELLING: Final = frozenset({"value", "shown", "expected", "read", "reason", "error", "text", "answer"})
"""Parameters of a message that contain a value, or another system's text, which may contain one."""
_MESSAGE: Final = frozenset({"code", "params"})
_OLD_NUMBERS: Final = frozenset({"old", "new", "read"})
"""Fields of audit entries from before values had types, which are integers."""


def hide_elements(hidden: frozenset[str]) -> None:
    """Hide the values of these elements from the reader of this request."""
    hide(hidden, partial(redact_content, hidden=hidden))


def is_hidden(element: object) -> bool:
    """Whether an element's values are hidden from the reader. `element`: its code, or a message's parameter with it."""
    hidden = hidden_elements_now()
    return bool(hidden) and _code_of(element) in hidden


def unless_hidden(value: Value | None, element: str) -> Value | None:
    """The element's value, or HIDDEN if values of the element are hidden from the reader."""
    return HIDDEN if value is not None and is_hidden(element) else value


def redact_content(content: Any, hidden: frozenset[str]) -> Any:
    """A copy of `content` (structs, lists, mappings) without the values of `hidden` elements.

    A struct or mapping with a field `element`, or with one that has such a field, is about that element, and so is its
    content that names no other element.
    """
    return _redact(content, _Place(hidden, costs=not hidden.isdisjoint(REFERENCE_ELEMENTS))) if hidden else content


class _Place(NamedTuple):
    """Context of content: `about` a hidden element, or beside an element whose cost is hidden (`costs`).

    `is_named`: the element is known.
    """

    hidden: frozenset[str]
    about: bool = False
    costs: bool = False
    is_named: bool = False

    def inside(self, held: Mapping[Any, Any]) -> "_Place":
        """The place of the fields of a struct or mapping, which may name its element, itself or by its key."""
        element = _element_of(held)
        if not element:
            return self
        known = element_type(element)
        costs = known is not None and known.policy_reference in self.hidden
        return _Place(self.hidden, about=element in self.hidden, costs=costs or element in self.hidden, is_named=True)

    def may_hide(self, value: object) -> bool:
        """Whether a value of an unknown element may belong to a hidden element, by its type."""
        kind = value.get("type") if isinstance(value, Mapping) else _tag_of(value)
        known = [element_type(element) for element in self.hidden]
        return kind in _TYPES and any(one is None or one.value_type == kind for one in known)


def _redact(content: Any, place: _Place) -> Any:  # noqa: PLR0911 - one case per kind of content
    if content is None or isinstance(content, str | bytes | int | float):
        return content
    if isinstance(content, _VALUES):
        return HIDDEN if place.about else content
    if isinstance(content, msgspec.Struct):
        found = _changed({name: getattr(content, name) for name in content.__struct_fields__}, place)
        return msgspec.structs.replace(content, **found) if found else content
    if isinstance(content, Mapping):
        if place.about and content.get("type") in _TYPES:
            return {"type": "hidden"}
        return {**content, **_changed(content, place)}
    if isinstance(content, list | tuple):
        return _redact_sequence(content, place)
    if is_dataclass(content) and not isinstance(content, type):
        found = _changed({one.name: getattr(content, one.name) for one in fields(content)}, place)
        return replace(content, **found) if found else content
    return content


def _redact_sequence(content: Any, place: _Place) -> Any:
    if hasattr(content, "_asdict"):
        return content._replace(**_changed(content._asdict(), place))
    return type(content)(_redact(each, place) for each in content)


def _changed(held: Mapping[Any, Any], place: _Place) -> dict[Any, Any]:
    """The fields that redaction changes, with their new values."""
    inside = place.inside(held)
    if held.keys() == _MESSAGE and isinstance(held["params"], Mapping):
        inside = inside.inside(held["params"])
        if inside.about:
            return _redact_message(held["params"], inside)
    found = {name: _redact_field(name, value, inside) for name, value in held.items()}
    return {name: value for name, value in found.items() if value is not held[name] and value != held[name]}


def _redact_field(name: Any, value: Any, place: _Place) -> Any:
    if place.about and name in _OLD_NUMBERS and isinstance(value, int):
        return None
    if name in _FOREIGN and isinstance(value, str):
        return translate(N_("hidden")) if value else value
    if name in _UNNAMED and not place.is_named and place.may_hide(value):
        return _redact(value, place._replace(about=True))
    if place.costs and isinstance(value, float) and str(name).startswith(_MARGIN):
        return None
    if place.costs and name in _COSTS:
        return _redact(value, _Place(place.hidden, about=True))
    return _redact(value, place)


def _tag_of(value: object) -> object:
    return value.__struct_config__.tag if isinstance(value, msgspec.Struct) else None


def _redact_message(held: Mapping[str, Any], place: _Place) -> dict[str, Any]:
    """Changes of a message about a hidden element: its parameters without texts that may contain its value."""
    params = _redact(held, place)
    texts = {name for name, value in params.items() if name in _TELLING and isinstance(value, str)}
    return {"params": {**params, **dict.fromkeys(texts, translate(N_("hidden")))}}


def _element_of(held: Mapping[Any, Any]) -> str:
    own = _code_of(held.get("element"))
    beside = (_code_of(getattr(value, "element", None)) for value in held.values() if not isinstance(value, str))
    return own or next(filter(None, beside), "")


def _code_of(element: object) -> str:
    if isinstance(element, Mapping):
        element = element.get("code")
    return element if isinstance(element, str) else ""
