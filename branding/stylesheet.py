"""A theme as CSS custom properties, light and dark, with its immutable address."""

import hashlib

from branding.palette import build_palette
from branding.theme import Font, Radius, Theme

_FONTS = {
    Font.SYSTEM: '"Inter Variable",system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif',
    Font.HUMANIST: 'Seravek,"Gill Sans Nova",Ubuntu,Calibri,"DejaVu Sans",sans-serif',
    Font.GEOMETRIC: 'Avenir,Montserrat,Corbel,"URW Gothic",sans-serif',
    Font.GROTESQUE: '"Helvetica Neue",Helvetica,Arial,"Nimbus Sans",sans-serif',
    Font.ROUNDED: 'ui-rounded,"Hiragino Maru Gothic ProN",Quicksand,Comfortaa,"Arial Rounded MT Bold",sans-serif',
    Font.SERIF: 'Charter,"Bitstream Charter","Sitka Text",Cambria,serif',
}
# Corner radius of (controls, cards, dialogs).
_RADII = {
    Radius.SQUARE: ("0", "0", "0"),
    Radius.SMALL: ("4px", "5px", "8px"),
    Radius.MEDIUM: ("7px", "10px", "14px"),
    Radius.LARGE: ("11px", "16px", "22px"),
}


def render_stylesheet(theme: Theme, *, selector: str = ":root") -> str:
    """CSS of the theme. With the `selector` of an element it applies to this element only, as in a preview."""
    light, dark = build_palette(theme, dark=False), build_palette(theme, dark=True)
    control, card, dialog = _RADII[theme.radius]
    lines = [f"--{name}:light-dark({light[name]},{dark[name]});" for name in light]
    lines += [f"--font:{_FONTS[theme.font]};", f"--radius:{control};", f"--radius-card:{card};"]
    lines += [f"--radius-dialog:{dialog};"]
    return (
        selector + "{color-scheme:light dark;\n" + "\n".join(lines) + "\n}\n"
        f'{selector}[data-theme="light"]{{color-scheme:light}}\n'
        f'{selector}[data-theme="dark"]{{color-scheme:dark}}\n'
    )


def content_hash(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:16]
