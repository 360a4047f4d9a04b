"""A brand's mark: drawn from its monogram, shape and accent, which are validated tokens, or an uploaded image."""

from markupsafe import Markup

from branding.images import BrandImage
from branding.theme import Mark, Theme

_SHAPES = {
    Mark.TILE: '<rect width="32" height="32" rx="8"/>',
    Mark.CIRCLE: '<circle cx="16" cy="16" r="16"/>',
    Mark.SHIELD: '<path d="M3 3.5Q9.5 3.5 16 0 22.5 3.5 29 3.5V17q0 10-13 15Q3 27 3 17Z"/>',
    Mark.HEXAGON: '<path d="M16 0 30 8v16l-14 8L2 24V8Z"/>',
    Mark.DIAMOND: '<rect x="4.7" y="4.7" width="22.6" height="22.6" rx="4" transform="rotate(45 16 16)"/>',
}
_SIZES = {1: 18, 2: 13, 3: 10}


def render_logo(theme: Theme) -> Markup:
    """Inline SVG; decorative, because the brand's name is next to it."""
    return Markup(  # noqa: S704 - every value is a validated token
        f'<svg class="logo" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">'
        f"{_drawing(theme)}</svg>"
    )


def render_icon(theme: Theme) -> str:
    """The same mark as a file, for the browser's tab icon."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{_drawing(theme)}</svg>\n'


def render_uploaded(logo: BrandImage, dark: BrandImage | None, *, alt: str = "") -> Markup:
    """An uploaded logo, with the one that replaces it on dark pages. Without `alt` it is decorative."""
    if dark is None:
        return _image(logo, "", alt)
    return _image(logo, " on-light", alt) + _image(dark, " on-dark", alt)


def render_signature(logo: Markup, name: str) -> Markup:
    return Markup("{}<b>{}</b>").format(logo, name)


def _image(image: BrandImage, shown: str, alt: str) -> Markup:
    return Markup('<img class="logo is-image{}" src="{}" width="{}" height="{}" alt="{}">').format(
        shown, image.path, image.width, image.height, alt
    )


def _drawing(theme: Theme) -> str:
    size = _SIZES[len(theme.monogram)]
    return (
        f'<g fill="{theme.accent}">{_SHAPES[theme.mark]}</g>'
        f'<text x="16" y="{16 + size * 0.36:.1f}" text-anchor="middle" font-family="system-ui,sans-serif"'
        f' font-size="{size}" font-weight="700" fill="{theme.accent_text}">{theme.monogram}</text>'
    )
