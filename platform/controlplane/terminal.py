"""What commands write: text of others moves nothing in the terminal that shows it."""

from typing import Any

import click
import msgspec

from foundation.text import escape_hidden, mark_hidden


def say(text: str, *, mark: str = "", err: bool = False) -> None:
    """A line or more, with each invisible character shown by its number. `mark` is our own, with colours."""
    click.echo(mark + mark_hidden(text, lines=True), err=err)


def say_json(value: Any, *, lines: bool = True) -> None:
    """For machines, on several lines or one. The same JSON with invisible characters as escapes."""
    encoded = msgspec.json.encode(value)
    text = (msgspec.json.format(encoded) if lines else encoded).decode()
    click.echo(escape_hidden(text))
