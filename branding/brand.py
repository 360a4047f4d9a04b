"""A brand ready for display: its theme with the files generated from it."""

from dataclasses import dataclass
from uuid import UUID

from markupsafe import Markup

from branding.logo import render_icon, render_logo
from branding.stylesheet import content_hash, render_stylesheet
from branding.theme import DEFAULT_THEME, Theme


@dataclass(frozen=True, slots=True)
class BrandFile:
    """A generated file. `path` contains the content's hash, so the file can be cached for ever."""

    path: str
    media_type: str
    content: str


@dataclass(frozen=True, slots=True)
class Brand:
    """`id` and `msp_id` are empty only for the default brand, which belongs to no MSP."""

    id: UUID | None
    msp_id: UUID | None
    slug: str
    theme: Theme
    stylesheet: BrandFile
    icon: BrandFile
    logo: Markup

    @property
    def name(self) -> str:
        return self.theme.name

    @property
    def support_email(self) -> str:
        return self.theme.support_email


def prepare_brand(*, brand_id: UUID | None, msp_id: UUID | None, slug: str, theme: Theme) -> Brand:
    css, svg = render_stylesheet(theme), render_icon(theme)
    return Brand(
        id=brand_id,
        msp_id=msp_id,
        slug=slug,
        theme=theme,
        stylesheet=BrandFile(f"/brand/{slug}-{content_hash(css)}.css", "text/css", css),
        icon=BrandFile(f"/brand/{slug}-{content_hash(svg)}.svg", "image/svg+xml", svg),
        logo=render_logo(theme),
    )


def default_brand() -> Brand:
    """Brand of responses on hosts that belong to no MSP."""
    return prepare_brand(brand_id=None, msp_id=None, slug="default", theme=DEFAULT_THEME)
