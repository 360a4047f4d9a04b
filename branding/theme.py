"""A brand's theme as validated tokens. No other brand data ever reaches a stylesheet or a logo."""

import re
from enum import StrEnum
from typing import Final

import msgspec

from branding.colour import BLACK, HEX, WHITE, contrast
from branding.errors import InvalidTheme
from foundation.marks import N_

# WCAG 2.2, success criterion 1.4.3 (AA) for text of normal size.
TEXT_CONTRAST = 4.5
_INK = "#0b0c0f"
_NAME = re.compile(r"[^\W_](?:[\w &.,'’+\-]{0,58}[\w.+])?")
_MONOGRAM = re.compile(r"[A-Z0-9]{1,3}")
_EMAIL = re.compile(r"[a-z0-9](?:[a-z0-9.+_-]{0,62}[a-z0-9])?@[a-z0-9](?:[a-z0-9.-]{0,180}[a-z0-9])?\.[a-z]{2,24}")


class Neutral(StrEnum):
    """The tint of greys."""

    PURE = "pure"
    COOL = "cool"
    WARM = "warm"
    GREEN = "green"
    VIOLET = "violet"


class Radius(StrEnum):
    SQUARE = "square"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Font(StrEnum):
    """Named font stacks. `system` begins with Inter, which is served here; the others must be installed on the reader's
    machine.
    """

    SYSTEM = "system"
    HUMANIST = "humanist"
    GEOMETRIC = "geometric"
    GROTESQUE = "grotesque"
    ROUNDED = "rounded"
    SERIF = "serif"


class Mark(StrEnum):
    """Shape behind the monogram."""

    TILE = "tile"
    CIRCLE = "circle"
    SHIELD = "shield"
    HEXAGON = "hexagon"
    DIAMOND = "diamond"


_A_COLOUR: Final = N_("{token}: it must be a colour of the form #rrggbb in lower case")


class Theme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`on_accent` is the text colour on the accent; when empty, a readable one is chosen."""

    name: str
    monogram: str
    accent: str
    support_email: str
    on_accent: str = ""
    neutral: Neutral = Neutral.COOL
    radius: Radius = Radius.MEDIUM
    font: Font = Font.SYSTEM
    mark: Mark = Mark.TILE

    def __post_init__(self) -> None:
        _require(
            _NAME,
            "name",
            self.name,
            N_("{token}: it must be 1 to 60 letters, digits, spaces and & . , ' + -, beginning with a letter"),
        )
        _require(
            _MONOGRAM, "monogram", self.monogram, N_("{token}: it must be one to three capital letters A–Z or digits")
        )
        _require(HEX, "accent", self.accent, _A_COLOUR)
        _require(_EMAIL, "support_email", self.support_email, N_("{token}: it must be an e-mail address in lower case"))
        if self.on_accent:
            _require(HEX, "on_accent", self.on_accent, _A_COLOUR)
            self._require_readable()

    def _require_readable(self) -> None:
        ratio = contrast(self.accent, self.on_accent)
        if ratio < TEXT_CONTRAST:
            raise InvalidTheme(
                "on_accent",
                N_(
                    "{token}: {text} on {ground} has a contrast of {ratio}:1 and text needs {least}:1. Leave it empty, "
                    "and {readable} is used."
                ),
                params={
                    "text": self.on_accent,
                    "ground": self.accent,
                    "ratio": f"{ratio:.2f}",
                    "least": str(TEXT_CONTRAST),
                    "readable": readable_on(self.accent),
                },
            )

    @property
    def accent_text(self) -> str:
        """Text on the accent."""
        return self.on_accent or readable_on(self.accent)


def _require(pattern: re.Pattern[str], token: str, value: str, problem: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidTheme(token, problem)


def readable_on(colour: str) -> str:
    """White where readable, otherwise ink; one of white and black reaches 4.5:1 on any colour."""
    return next(text for text in (WHITE, _INK, BLACK) if contrast(text, colour) >= TEXT_CONTRAST)


def parse_theme(tokens: object) -> Theme:
    """Raises `InvalidTheme` for unknown tokens, wrong types and values outside the lists."""
    try:
        return msgspec.convert(tokens, Theme, strict=True)
    except msgspec.ValidationError as error:
        raise InvalidTheme("theme", "{token}: {error}", params={"error": str(error)}) from error


# Theme of responses without a brand: an unknown host must not reveal whose server answered.
DEFAULT_THEME = Theme(
    name="Portal",
    monogram="P",
    accent="#475569",
    support_email="support@localhost.localdomain",
    neutral=Neutral.COOL,
)
