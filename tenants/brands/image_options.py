"""Options of commands about the images of a brand, of an MSP's or a client's."""

from pathlib import Path
from typing import Final

import click

from branding.images import ImageKind

IMAGE_KIND: Final = click.option(
    "--kind", required=True, type=click.Choice([str(kind) for kind in ImageKind]), help="Which image."
)
IMAGE_FILE: Final = click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A PNG, JPEG or WebP image, up to 1 MB.",
)
