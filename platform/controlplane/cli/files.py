"""Parameter types for folders and files."""

from pathlib import Path
from typing import Any

import click


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
