"""Error reporting of all commands: a failure outside the program is one sentence and exit code 1."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import psycopg
import redis
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError, OperationalError

from controlplane.preflight import unavailable_text
from foundation.errors import DomainError
from foundation.settings import SettingsInvalid
from foundation.text import mark_hidden

_OLD_SCHEMA = "The database's schema does not fit this program ({first}). Run `fairlead migrate`."


class PlainGroup(click.Group):
    """A click group that prints tracebacks only for defects of the program, and names all missing options at once."""

    def invoke(self, ctx: click.Context) -> Any:
        given = [*ctx._protected_args, *ctx.args]  # noqa: SLF001 - what the subcommands are about to consume
        with plain_failures():
            try:
                return super().invoke(ctx)
            except click.MissingParameter as first:
                raise _all_missing(first, given) from first


def _all_missing(first: click.MissingParameter, given: list[str]) -> click.UsageError:
    """All missing options; click reports only the first. Groups take no options, so the command's own arguments follow
    its path.
    """
    ctx = first.ctx
    if ctx is None:
        return first
    depth, above = 0, ctx.parent
    while above is not None:
        depth, above = depth + 1, above.parent
    try:
        found, _, _ = ctx.command.make_parser(ctx).parse_args(given[depth:])
    except click.UsageError:
        return first
    missing = [
        param.get_error_hint(ctx)
        for param in ctx.command.get_params(ctx)
        if param.required and (param.name not in found or param is first.param) and not param.value_from_envvar(ctx)
    ]
    return click.UsageError(f"Missing options: {', '.join(missing)}.", ctx) if len(missing) > 1 else first


@contextmanager
def plain_failures() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        sentence = describe_failure(error)
        if sentence is None:
            raise
        raise click.ClickException(mark_hidden(sentence, lines=True)) from error


_SENTENCES: tuple[tuple[type[BaseException], str], ...] = (
    (SettingsInvalid, "{all}"),
    (DomainError, "{all}"),
    (
        psycopg.errors.LockNotAvailable,
        "Another session holds a lock on the database that this needs. Try again when it has ended.",
    ),
    (psycopg.errors.UndefinedTable, _OLD_SCHEMA),
    (psycopg.errors.UndefinedColumn, _OLD_SCHEMA),
    (psycopg.errors.UndefinedFunction, _OLD_SCHEMA),
    (psycopg.errors.InsufficientPrivilege, "The database role may not do this: {first}."),
    (psycopg.OperationalError, "The database cannot be used: {first}"),
    (OperationalError, "The database cannot be used: {first}"),
    (redis.RedisError, "Valkey cannot be used: {first}"),
    (CommandError, "The schema cannot be migrated: {first}"),
)
"""The first match wins. Neither our texts nor the drivers' first lines contain a password."""


def describe_failure(error: BaseException) -> str | None:
    """One sentence for the error; None for a defect of the program."""
    if isinstance(error, BaseExceptionGroup):
        sentences = [describe_failure(each) for each in error.exceptions]
        return sentences[0] if all(sentences) else None
    if isinstance(error, DBAPIError) and error.orig is not None:
        return describe_failure(error.orig)
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or unavailable_text(error)}."
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return sentence.format(all=error, first=unavailable_text(error))
    return None
