"""From tokens to colours, in light and dark. Every colour of every page is made here, so one test can check them all."""

from dataclasses import dataclass

from branding.colour import WHITE, from_oklch, luminance, reach_contrast, to_oklch
from branding.theme import Neutral, Theme

# (hue, chroma) of the greys.
_TINTS = {
    Neutral.PURE: (0.0, 0.0),
    Neutral.COOL: (262.0, 0.012),
    Neutral.WARM: (70.0, 0.010),
    Neutral.GREEN: (165.0, 0.011),
    Neutral.VIOLET: (300.0, 0.014),
}
_STATUS_HUES = {"ok": 155.0, "warn": 70.0, "bad": 25.0, "info": 248.0}
# Series beside the accent: far apart in hue, and differing in lightness so that they stay apart without colour.
_SERIES_TURNS = (0.0, 150.0, 65.0, 215.0, 285.0, 110.0)


@dataclass(frozen=True, slots=True)
class _Mode:
    """Lightness of each neutral role."""

    canvas: float
    surface: float
    raised: float
    subtle: float
    hover: float
    line: float
    edge: float
    text: float
    muted: float
    soft: float
    soft_chroma: float
    solid: float


_LIGHT = _Mode(0.982, 1.0, 1.0, 0.968, 0.952, 0.918, 0.66, 0.235, 0.50, 0.957, 0.032, 0.60)
_DARK = _Mode(0.165, 0.203, 0.235, 0.232, 0.262, 0.295, 0.56, 0.955, 0.735, 0.275, 0.05, 0.70)


def build_palette(theme: Theme, *, dark: bool) -> dict[str, str]:
    """Custom property name (without dashes) → `#rrggbb`."""
    mode = _DARK if dark else _LIGHT
    colours = _neutrals(theme, mode)
    colours |= _accents(theme, mode, colours)
    colours |= _statuses(mode, colours)
    colours |= _series(theme, colours, dark=dark)
    return colours


def _neutrals(theme: Theme, mode: _Mode) -> dict[str, str]:
    hue, chroma = _TINTS[theme.neutral]

    def grey(lightness: float, strength: float = 1.0) -> str:
        return from_oklch(lightness, chroma * strength, hue)

    colours = {
        "canvas": grey(mode.canvas, 0.35 if mode is _LIGHT else 0.8),
        "surface": grey(mode.surface, 0.8),
        "raised": grey(mode.raised, 0.8),
        "subtle": grey(mode.subtle, 0.45 if mode is _LIGHT else 0.9),
        "hover": grey(mode.hover, 0.6),
        "line": grey(mode.line, 0.7),
        "text": grey(mode.text, 1.4),
    }
    grounds = (colours["canvas"], colours["surface"], colours["subtle"], colours["hover"], colours["raised"])
    colours["muted"] = reach_contrast(grey(mode.muted, 1.6), grounds, 4.6)
    colours["edge"] = reach_contrast(grey(mode.edge, 1.2), (colours["canvas"], colours["surface"]), 3.05)
    return colours


def _accents(theme: Theme, mode: _Mode, neutrals: dict[str, str]) -> dict[str, str]:
    lightness, chroma, hue = to_oklch(theme.accent)
    away_from_text = -0.045 if luminance(theme.accent_text) > luminance(theme.accent) else 0.045
    soft = from_oklch(mode.soft, min(chroma, mode.soft_chroma), hue)
    grounds = (neutrals["surface"], neutrals["canvas"], neutrals["subtle"], neutrals["hover"], soft)
    return {
        "accent": theme.accent,
        "on-accent": theme.accent_text,
        "accent-hover": from_oklch(lightness + away_from_text, chroma, hue),
        "accent-edge": reach_contrast(theme.accent, (neutrals["surface"], neutrals["canvas"]), 3.05),
        "accent-text": reach_contrast(theme.accent, grounds, 4.55),
        "accent-soft": soft,
    }


def _statuses(mode: _Mode, neutrals: dict[str, str]) -> dict[str, str]:
    colours: dict[str, str] = {}
    for name, hue in _STATUS_HUES.items():
        soft = from_oklch(mode.soft, mode.soft_chroma, hue)
        solid = from_oklch(mode.solid, 0.15, hue)
        colours[f"{name}-soft"] = soft
        colours[name] = reach_contrast(solid, (neutrals["surface"], neutrals["canvas"], soft), 3.05)
        grounds = (soft, neutrals["surface"], neutrals["canvas"], neutrals["subtle"], neutrals["hover"])
        colours[f"{name}-text"] = reach_contrast(from_oklch(mode.solid, 0.13, hue), grounds, 4.6)
    # A destructive button: white on red in both modes.
    colours["bad-fill"] = reach_contrast(from_oklch(0.55, 0.19, 25.0), (WHITE,), 4.6)
    colours["on-bad"] = WHITE
    return colours


def _series(theme: Theme, colours: dict[str, str], *, dark: bool) -> dict[str, str]:
    accent = to_oklch(colours["accent-edge"])
    hue = accent.hue if accent.chroma > 0.03 else 250.0
    made = {"series-1": colours["accent-edge"]}
    for index, turn in enumerate(_SERIES_TURNS[1:], start=2):
        lightness = (0.72 if index % 2 else 0.80) if dark else (0.62 if index % 2 else 0.50)
        shade = from_oklch(lightness, 0.13, (hue + turn) % 360)
        made[f"series-{index}"] = reach_contrast(shade, (colours["surface"], colours["canvas"]), 3.05)
    return made
