"""Query parameters of routes: unknown names, repeated names and invalid choices are refused, never ignored.

A typing error in a filter would otherwise return everything, which looks like the filtered list.
"""

import inspect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from foundation.errors import MalformedInput
from foundation.marks import N_
from foundation.text import mark_hidden

AnyConnection = ASGIConnection[Any, Any, Any, Any]
_QUOTED: Final = 80
_LISTS: Final = (list, tuple, set, frozenset, Sequence)


class ParameterRule(msgspec.Struct, frozen=True):
    """Rule of one query parameter. Without `choices`, its type decides."""

    choices: tuple[str, ...] = ()
    is_list: bool = False


def one_of(choices: Iterable[str], *, name: str | None = None) -> QueryParameter:
    """Declaration of a query parameter with a fixed set of values.

    Used in an annotation: `status: Annotated[str, one_of(STATES)] = "open"`. `name` is the parameter's name in the
    address, if the handler's differs. Include "" to allow an empty value.
    """
    return QueryParameter(name=name, schema_extra={"enum": list(choices)})


@cache
def parameters_of(handler: BaseRouteHandler) -> Mapping[str, ParameterRule]:
    """Query parameters of a handler and of its dependencies, by name in the address."""
    found: dict[str, ParameterRule] = {}
    provided = [provide.dependency for provide in handler.resolve_dependencies().values()]
    for function in (handler.fn, *provided):
        if inspect.isfunction(function) and not function.__module__.startswith("litestar."):
            found |= _declared(get_type_hints(function, include_extras=True))
    return found


def check_parameters(connection: AnyConnection, handler: BaseRouteHandler, *, strict: bool) -> None:
    """Check the names and choices of a request's query parameters. `strict` refuses unknown names, too: links to pages
    are often extended by mail programs and search engines.

    Raises: MalformedInput.
    """
    query = connection.scope.get("query_string", b"")
    if not query:
        return
    rules = parameters_of(handler)
    sent = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    for name, times in Counter(name for name, _ in sent).items():
        if strict and name not in rules:
            raise _unknown(name, rules)
        if times > 1 and name in rules and not rules[name].is_list:
            raise MalformedInput(
                N_("“{name}” appears {times} times in the address. Send it once."),
                params={"name": name, "times": times},
                field=name,
            )
    for name, value in sent:
        if name in rules and rules[name].choices and value not in rules[name].choices:
            raise _no_choice(name, value, rules[name].choices)


def _declared(hints: Mapping[str, Any]) -> dict[str, ParameterRule]:
    found: dict[str, ParameterRule] = {}
    for argument, hint in hints.items():
        if get_origin(hint) is not Annotated:
            continue
        for extra in get_args(hint)[1:]:
            if isinstance(extra, QueryParameter):
                kind, choices = get_args(hint)[0], (extra.schema_extra or {}).get("enum", ())
                found[extra.name or argument] = ParameterRule(tuple(choices), get_origin(kind) in _LISTS)
    return found


def _unknown(name: str, rules: Mapping[str, ParameterRule]) -> MalformedInput:
    shown = mark_hidden(name[:_QUOTED])
    if not rules:
        return MalformedInput(
            N_("This address has no parameter “{name}”. It has none."), params={"name": shown}, field=shown, allowed=[]
        )
    return MalformedInput(
        N_("This address has no parameter “{name}”. It has: {known}."),
        params={"name": shown, "known": ", ".join(sorted(rules))},
        field=shown,
        allowed=sorted(rules),
    )


def _no_choice(name: str, value: str, choices: Sequence[str]) -> MalformedInput:
    named = ", ".join(each for each in choices if each)
    shown = mark_hidden(value[:_QUOTED])
    return MalformedInput(
        N_("“{value}” is not a value of “{name}”. Choose one of: {named}."),
        params={"value": shown, "name": name, "named": named},
        field=name,
        allowed=[*filter(None, choices)],
    )
