"""A brand's uploaded images, checked and drawn again: only pixels of the uploaded file are kept, never its bytes.

SVG is refused. It is a document with scripts, styles and addresses, and no maintained Python library removes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import Final, cast

from PIL import Image, ImageOps, UnidentifiedImageError

from branding.colour import WHITE, contrast
from branding.errors import InvalidImage
from foundation.marks import N_

MOST_BYTES: Final = 1024 * 1024
MOST_PIXELS: Final = 4_000_000
LEAST_SIDE: Final = 16
LEAST_CONTRAST: Final = 3.0
"""WCAG 2.2, success criterion 1.4.11, for graphics."""
MEDIA_TYPE: Final = "image/png"
_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_LOGO_BOX: Final = (640, 128)
_ICON_SIDE: Final = 180
_DARK_SURFACE: Final = "#14161b"
"""Near the surface of every dark palette; pages of a light one are white."""
_SAMPLE: Final = (48, 48)
_SEEN: Final = 128
"""Least opacity, of 255, of a pixel that counts as visible."""
_WORDMARK: Final = 2
_MEGABYTE: Final = 1024 * 1024


class ImageKind(StrEnum):
    """Place of an image. The logo for dark pages replaces the logo there."""

    LOGO = "logo"
    LOGO_DARK = "logo-dark"
    ICON = "icon"


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """A PNG with the sizes in pixels. The contrasts are those of its most visible parts with white and with the surface
    of dark pages, from 1 to 21.
    """

    content: bytes
    width: int
    height: int
    contrast_light: float
    contrast_dark: float


@dataclass(frozen=True, slots=True)
class BrandImage:
    """A stored image without its content. `path` contains the content's hash."""

    kind: ImageKind
    path: str
    width: int
    height: int
    contrast_light: float
    contrast_dark: float
    media_type: str = MEDIA_TYPE
    is_of_client: bool = False

    @property
    def is_wordmark(self) -> bool:
        """Whether the image is so wide that it is taken to contain the brand's name."""
        return self.width >= _WORDMARK * self.height


BrandImages = Mapping[ImageKind, BrandImage]


def prepare_image(content: bytes, kind: ImageKind) -> PreparedImage:
    """Check an uploaded file by its content, and draw it again as a PNG of the size that pages need.

    Raises:
        InvalidImage: the file is too large or too small, or no readable PNG, JPEG or WebP image.
    """
    if not content:
        raise InvalidImage(N_("Choose a file."))
    if len(content) > MOST_BYTES:
        raise InvalidImage(N_("The file is larger than {most} MB."), params={"most": MOST_BYTES // _MEGABYTE})
    drawn = _read(content)
    drawn = _squared(drawn) if kind is ImageKind.ICON else _fitted(drawn)
    file = BytesIO()
    drawn.save(file, "PNG", optimize=True)
    light, dark = _contrasts(drawn)
    return PreparedImage(file.getvalue(), drawn.width, drawn.height, light, dark)


def _read(content: bytes) -> Image.Image:
    """The pixels as RGBA, turned upright, without the file's other data."""
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as opened:
            _require_size(opened.width, opened.height)
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            see_through = "A" in upright.getbands() or "transparency" in upright.info
            pixels = upright.convert("RGBA" if see_through else "RGB").convert("RGBA")
    except UnidentifiedImageError:
        raise _unreadable(content) from None
    except InvalidImage:
        raise
    except (Image.DecompressionBombError, MemoryError):
        raise _too_large() from None
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error and others
        raise InvalidImage(N_("The image is damaged: it cannot be read to its end.")) from error
    # A new image, so that `info` with the file's texts, profiles and positions is not copied.
    clean = Image.new("RGBA", pixels.size)
    clean.paste(pixels)
    return clean


def _require_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise _too_large()
    if min(width, height) < LEAST_SIDE:
        raise InvalidImage(N_("The image must be at least {least} pixels wide and high."), params={"least": LEAST_SIDE})


def _too_large() -> InvalidImage:
    return InvalidImage(
        N_("The image has more than {most} million pixels. Make it smaller."), params={"most": MOST_PIXELS // 1_000_000}
    )


def _unreadable(content: bytes) -> InvalidImage:
    if b"<svg" in content[:4096].lower():
        return InvalidImage(
            N_("SVG files may contain scripts and are not accepted. Export the image as PNG, with a clear background.")
        )
    return InvalidImage(N_("The file is not a PNG, JPEG or WebP image."))


def _fitted(drawn: Image.Image) -> Image.Image:
    drawn.thumbnail(_LOGO_BOX, Image.Resampling.LANCZOS)
    return drawn


def _squared(drawn: Image.Image) -> Image.Image:
    """A square with the image in its middle."""
    drawn.thumbnail((_ICON_SIDE, _ICON_SIDE), Image.Resampling.LANCZOS)
    side = max(drawn.size)
    square = Image.new("RGBA", (side, side))
    square.paste(drawn, ((side - drawn.width) // 2, (side - drawn.height) // 2))
    return square


def _contrasts(drawn: Image.Image) -> tuple[float, float]:
    """Contrast with light and dark pages that a fifth of the visible pixels reach; 1 if nothing is visible."""
    sample = drawn.resize(_SAMPLE)
    found = cast("list[tuple[int, tuple[int, int, int, int]]]", sample.getcolors(_SAMPLE[0] * _SAMPLE[1]))
    colours = {
        f"#{red:02x}{green:02x}{blue:02x}": count for count, (red, green, blue, opacity) in found if opacity >= _SEEN
    }
    return _reached(colours, WHITE), _reached(colours, _DARK_SURFACE)


def _reached(colours: Mapping[str, int], surface: str) -> float:
    found = sorted(((contrast(colour, surface), count) for colour, count in colours.items()), reverse=True)
    left = sum(colours.values()) / 5
    for ratio, count in found:
        left -= count
        if left <= 0:
            return round(ratio, 1)
    return 1.0
