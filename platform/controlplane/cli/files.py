"""Parameter types for folders and files."""

from pathlib import Path
from typing import Any, TextIO

import click


def read_first_line(file: Path | TextIO, option: str) -> str:
    """First line of a secret's file. A decoder's error text would expose the secret, so it is dropped.

    Raises:
        click.BadParameter: the file cannot be read, or is not text.
    """
    try:
        if isinstance(file, Path):
            with file.open(encoding="utf-8-sig") as opened:
                return opened.readline().rstrip("\r\n")
        return file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        name = file if isinstance(file, Path) else file.name
        raise click.BadParameter(f"{name} cannot be read as text in UTF-8.", param_hint=option) from None


class FolderPath(click.Path):
    """A folder that need not exist. Empty names are rejected (they would mean the current folder), as is non-UTF-8
    (servers' URLs are UTF-8 only).
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = str(value)
        if not text.strip():
            self.fail("a folder's name is empty.", param, ctx)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("a folder's name is not UTF-8.", param, ctx)
        return super().convert(value, param, ctx)
