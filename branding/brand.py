"""A brand ready for display: its theme with the files generated from it."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from uuid import UUID

from markupsafe import Markup

from branding.images import BrandImage, BrandImages, ImageKind
from branding.logo import render_icon, render_logo, render_signature, render_uploaded
from branding.stylesheet import content_hash, render_stylesheet
from branding.theme import DEFAULT_THEME, Theme

_NO_IMAGES: Final[BrandImages] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class BrandFile:
    """A generated file. `path` contains the content's hash, so the file can be cached for ever."""

    path: str
    media_type: str
    content: str


@dataclass(frozen=True, slots=True)
class Brand:
    """`id` and `msp_id` are empty only for the default brand, which belongs to no MSP. `logo` is decorative;
    `signature` is the logo with the name, which a wide logo replaces. On a client's pages, `own_stylesheet` has the
    client's colours, over those of `stylesheet`.
    """

    id: UUID | None
    msp_id: UUID | None
    slug: str
    theme: Theme
    stylesheet: BrandFile
    icon: BrandFile
    logo: Markup
    signature: Markup
    images: BrandImages
    own_stylesheet: BrandFile | None = None
    sender: str = ""
    base: "Brand | None" = None

    @property
    def name(self) -> str:
        return self.theme.name

    @property
    def favicon(self) -> BrandFile | BrandImage:
        return self.images.get(ImageKind.ICON, self.icon)

    @property
    def of_msp(self) -> "Brand":
        """The brand without a client's parts."""
        return self.base or self

    @property
    def sender_name(self) -> str:
        """The sender's name in mails."""
        return self.sender or self.theme.name

    @property
    def support_email(self) -> str:
        return self.theme.support_email


def prepare_brand(
    *, brand_id: UUID | None, msp_id: UUID | None, slug: str, theme: Theme, images: BrandImages = _NO_IMAGES
) -> Brand:
    css, svg = render_stylesheet(theme), render_icon(theme)
    logo, signature = render_marks(theme, images)
    return Brand(
        id=brand_id,
        msp_id=msp_id,
        slug=slug,
        theme=theme,
        stylesheet=BrandFile(f"/brand/{slug}-{content_hash(css)}.css", "text/css", css),
        icon=BrandFile(f"/brand/{slug}-{content_hash(svg)}.svg", "image/svg+xml", svg),
        logo=logo,
        signature=signature,
        images=images,
    )


def render_marks(theme: Theme, images: BrandImages) -> tuple[Markup, Markup]:
    """The logo, and the logo with the brand's name."""
    uploaded = images.get(ImageKind.LOGO)
    if uploaded is None:
        logo = render_logo(theme)
        return logo, render_signature(logo, theme.name)
    dark = images.get(ImageKind.LOGO_DARK)
    logo = render_uploaded(uploaded, dark)
    wide = uploaded.is_wordmark
    return logo, render_uploaded(uploaded, dark, alt=theme.name) if wide else render_signature(logo, theme.name)


def default_brand() -> Brand:
    """Brand of responses on hosts that belong to no MSP."""
    return prepare_brand(brand_id=None, msp_id=None, slug="default", theme=DEFAULT_THEME)
