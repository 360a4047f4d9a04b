"""Terminal output of commands, with control characters of untrusted text escaped."""

from typing import Any

import click
import msgspec

from foundation.text import escape_hidden, mark_hidden


def print_text(text: str, *, mark: str = "", err: bool = False) -> None:
    """Print text, with each invisible character shown by its number. `mark` is trusted text with colours."""
    click.echo(mark + mark_hidden(text, lines=True), err=err)


def print_json(value: Any, *, lines: bool = True) -> None:
    """Print JSON, on several lines or one, with invisible characters as escapes."""
    encoded = msgspec.json.encode(value)
    text = (msgspec.json.format(encoded) if lines else encoded).decode()
    click.echo(escape_hidden(text))
