"""Static analysis of the use cases that pages, the API and commands call.

A use case is a function of a lower module that takes the session or is a coroutine, and whose name is not that of a
query. Calls are followed through modules of the edge (pages, routes, commands, forms) and through adapters that take
the request's `access`, because they call the use case for their caller.
"""

import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

import click

ROOMS_PACKAGES = (
    "billing", "branding", "canonical", "connectors", "controlplane", "foundation", "governance", "policy", "tenants",
    "webhooks",
)  # fmt: skip
EDGE = ("pages", "routes", "commands", "forms")
READS = (
    "admin_of", "check_", "compare_", "count_", "describe_", "draw_", "find_", "get_",
    "has_", "is_", "linked_", "list_", "load_", "may_", "must_", "name_",
    "names_", "plan_", "preview_", "rate_", "read_", "recipient_", "render_", "require_",
    "role_", "roles_", "rule_", "scope_", "show_", "title_", "try_", "view_", "waiting_",
    "write_", "bulk_", "savepoint", "run_", "append_audit", "add_declared",
)  # fmt: skip
READING_MODULES = ("queries", "views", "form", "form_view", "render", "actions", "identity", "list_view", "bulk_form")
Function = Callable[..., Any]


def use_cases(handler: Function) -> set[Function]:
    """The use cases that a handler or a command calls."""
    seen, found, pending = set[Function](), set[Function](), [handler]
    while pending:
        one = pending.pop()
        if one in seen:
            continue
        seen.add(one)
        for called in _called(inspect.unwrap(one)):
            if _is_edge(called):
                pending.append(called)
            elif _is_use_case(called):
                found.add(called)
    return found


def leaf_commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Function]]:
    """Every command that does something, with its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaf_commands(command, (*path, name))
        elif command.callback is not None:
            yield " ".join((*path, name)), command.callback


def _is_edge(function: Function) -> bool:
    parts = function.__module__.split(".")
    takes = next(iter(inspect.signature(function).parameters), "")
    return parts[-1].endswith(EDGE) or "web" in parts or "cli" in parts or takes == "access"


def _is_use_case(function: Function) -> bool:
    takes = list(inspect.signature(function).parameters)
    inner = inspect.unwrap(function)
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):  # a context, such as a savepoint
        return False
    acts = inspect.iscoroutinefunction(function) or "session" in takes[:1]
    reads = function.__module__.rsplit(".", 1)[-1] in READING_MODULES or function.__name__.lstrip("_").startswith(READS)
    return acts and bool(takes) and not reads


def _called(function: Function) -> set[Function]:
    found = set[Function]()
    if isinstance(function, types.FunctionType):
        _read(function.__code__, function.__globals__, [*_cells(function), *_classes(function)], found)
    return found


def _cells(function: types.FunctionType) -> list[Any]:
    held = []
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # not bound yet
            continue
    return held


def _classes(function: types.FunctionType) -> list[Any]:
    """Classes of parameters, also of those that the framework injects (`NamedDependency[…]`)."""
    hints = inspect.get_annotations(function).values()
    return [one for hint in hints for one in (hint, *typing.get_args(hint)) if isinstance(one, type)]


def _read(code: types.CodeType, names: dict[str, Any], cells: list[Any], found: set[Function]) -> None:
    named = [names[name] for name in code.co_names if name in names]
    for value in (*named, *cells):
        _add(value, found)
        owner = value if isinstance(value, type | types.ModuleType) else type(value)
        if _package(owner) in ROOMS_PACKAGES:  # a method, or a function of a module
            for name in code.co_names:
                _add(vars(owner).get(name), found)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _read(constant, names, cells, found)


def _add(value: Any, found: set[Function]) -> None:
    if isinstance(value, functools.partial):
        _add(value.func, found)
    elif isinstance(value, types.FunctionType):
        if _package(value) in ROOMS_PACKAGES:
            found.add(value)
    elif isinstance(value, dict):
        for each in value.values():
            _add(each, found)
    elif isinstance(value, tuple | list):
        for each in value:
            _add(each, found)


def _package(value: Any) -> str:
    name = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", "")
    return str(name).split(".")[0]
