"""Colours from tokens, in light and dark. Every colour of a page is computed here, so one test can check them all."""

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
# Hues of the series after the first, which is the accent. Those too near the accent are skipped.
_SERIES_HUES = (190.0, 345.0, 78.0, 145.0, 245.0, 300.0, 30.0)
_SERIES = 6


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
    colours |= _series(colours, dark=dark)
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


def _series(colours: dict[str, str], *, dark: bool) -> dict[str, str]:
    """Colours of the series. Adjacent ones also differ in lightness, so that they are distinct without hue."""
    accent = to_oklch(colours["accent-edge"])
    hues = [hue for hue in _SERIES_HUES if accent.chroma < 0.03 or abs((hue - accent.hue + 180) % 360 - 180) > 32]
    made = {"series-1": colours["accent-edge"]}
    for index, hue in enumerate(hues[: _SERIES - 1], start=2):
        shade = from_oklch((0.76 if dark else 0.66) - (0.1 if index % 2 else 0), 0.125, hue)
        made[f"series-{index}"] = reach_contrast(shade, (colours["surface"], colours["canvas"]), 3.05)
    return made
