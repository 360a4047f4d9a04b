"""Colour arithmetic: WCAG 2.2 contrast on sRGB, and OKLCH (Björn Ottosson, 2020) for shades that look evenly spaced."""

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

HEX = re.compile(r"#[0-9a-f]{6}")
WHITE = "#ffffff"
BLACK = "#000000"


class Oklch(NamedTuple):
    """Lightness 0–1, chroma 0–about 0.37, hue in degrees."""

    lightness: float
    chroma: float
    hue: float


def channels(colour: str) -> tuple[int, int, int]:
    """The three bytes of `#rrggbb`.

    Raises:
        ValueError: any other format.
    """
    if not HEX.fullmatch(colour):
        raise ValueError(f"{colour!r} is not a colour of the form #rrggbb in lower case")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(byte: int) -> float:
    value = byte / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _encoded(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    red, green, blue = (_linear(byte) for byte in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def to_oklch(colour: str) -> Oklch:
    red, green, blue = (_linear(byte) for byte in channels(colour))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return Oklch(lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360)


def _linear_rgb(colour: Oklch) -> tuple[float, float, float]:
    a = colour.chroma * math.cos(math.radians(colour.hue))
    b = colour.chroma * math.sin(math.radians(colour.hue))
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """The nearest displayable colour: chroma is reduced until the colour is inside sRGB."""
    colour = Oklch(min(max(lightness, 0.0), 1.0), max(chroma, 0.0), hue)
    while colour.chroma > 0 and not all(-0.0005 <= value <= 1.0005 for value in _linear_rgb(colour)):
        colour = colour._replace(chroma=max(colour.chroma - 0.004, 0.0))
    encoded = (round(255 * _encoded(min(max(value, 0.0), 1.0))) for value in _linear_rgb(colour))
    return "#" + "".join(f"{byte:02x}" for byte in encoded)


def reach_contrast(colour: str, backgrounds: Iterable[str], ratio: float) -> str:
    """The shade of `colour` nearest to it that has `ratio` against every background.

    Raises:
        ValueError: no shade reaches the ratio, because the backgrounds are of medium lightness.
    """
    grounds = tuple(backgrounds)
    if all(contrast(colour, ground) >= ratio for ground in grounds):
        return colour
    lightness, chroma, hue = to_oklch(colour)
    step = 0.01 if max(luminance(ground) for ground in grounds) < 0.18 else -0.01
    for _ in range(100):
        lightness += step
        shade = from_oklch(lightness, chroma, hue)
        if all(contrast(shade, ground) >= ratio for ground in grounds):
            return shade
    raise ValueError(f"no shade of {colour} reaches a contrast of {ratio}:1 on {', '.join(grounds)}")
