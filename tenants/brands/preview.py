"""Preview of a theme that is not saved: the same components under the typed tokens, light and dark."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup

from branding.brand import Brand, render_marks
from branding.colour import contrast
from branding.stylesheet import render_stylesheet
from branding.theme import TEXT_CONTRAST, Theme

STYLESHEET: Final = "/brand-preview.css"
SELECTOR: Final = ".brand-preview"


@dataclass(frozen=True, slots=True)
class Preview:
    """`ratio` is the contrast of text on the accent, of which WCAG 2.2 AA demands `least`."""

    theme: Theme
    signature: Markup
    stylesheet: str
    ratio: float
    least: float = TEXT_CONTRAST


def preview_of(theme: Theme, tokens: Mapping[str, str], brand: Brand | None) -> Preview:
    """`tokens` are those of `theme` as typed: they address the preview's stylesheet. `brand` has the saved images."""
    return Preview(
        theme=theme,
        signature=render_marks(theme, brand.images if brand else {})[1],
        stylesheet=f"{STYLESHEET}?{urlencode(dict(tokens))}",
        ratio=contrast(theme.accent, theme.accent_text),
    )


def preview_stylesheet(theme: Theme) -> str:
    return render_stylesheet(theme, selector=SELECTOR)
