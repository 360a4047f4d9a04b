"""Validation of tokens, and contrast of every colour that is computed from them."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branding.colour import channels, contrast, from_oklch, reach_contrast, to_oklch
from branding.errors import InvalidTheme
from branding.logo import render_icon, render_logo
from branding.palette import build_palette
from branding.stylesheet import content_hash, render_stylesheet
from branding.theme import Font, Mark, Neutral, Radius, Theme, parse_theme, readable_on

TOKENS = {
    "name": "Northwind",
    "monogram": "NW",
    "accent": "#4f46e5",
    "support_email": "help@northwind.example",
    "on_accent": "",
    "neutral": "cool",
    "radius": "medium",
    "font": "system",
    "mark": "tile",
}
ATTACKS = (
    "</style><script>alert(1)</script>",
    "url(javascript:alert(1))",
    ";}body{display:none}",
    "}",
    "red;--x:1",
    "#fff}*{}",
    "expression(alert(1))",
    "@import '//evil.example'",
    "\\3c/style\\3e",
    '"><svg onload=alert(1)>',
    "{{ 7*7 }}",
    "a\nb",
    "a\x00b",
    "/*",
    "<!--",
)
colours = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
themes = st.builds(
    Theme,
    name=st.just("Northwind"),
    monogram=st.from_regex(r"[A-Z0-9]{1,3}", fullmatch=True),
    accent=colours,
    support_email=st.just("help@northwind.example"),
    neutral=st.sampled_from(Neutral),
    radius=st.sampled_from(Radius),
    font=st.sampled_from(Font),
    mark=st.sampled_from(Mark),
)


class TestTokens:
    def test_valid_tokens_are_accepted_and_survive_storage(self) -> None:
        assert parse_theme(TOKENS).accent_text == "#ffffff"

    @pytest.mark.parametrize(("token", "attack"), list(product(TOKENS, ATTACKS)))
    def test_an_attack_is_refused_in_every_token(self, token: str, attack: str) -> None:
        with pytest.raises(InvalidTheme):
            parse_theme(TOKENS | {token: attack})

    @pytest.mark.parametrize(("token", "attack"), list(product(TOKENS, ATTACKS)))
    def test_an_attack_after_a_good_value_is_refused(self, token: str, attack: str) -> None:
        with pytest.raises(InvalidTheme):
            parse_theme(TOKENS | {token: TOKENS[token] + attack})

    @given(st.sampled_from(sorted(TOKENS)), st.text(max_size=40), st.text("<>;{}()\\\"'/*:@#\n\x00url", max_size=12))
    def test_no_accepted_token_escapes_its_css_value(self, token: str, text: str, signs: str) -> None:
        try:
            theme = parse_theme(TOKENS | {token: text + signs})
        except InvalidTheme:
            return
        assert not set('<>;{}()\\"/*@\n\r\x00') & set(theme.name + theme.monogram + theme.accent + theme.on_accent)
        plain = parse_theme(TOKENS)
        pattern = r"\{[^{}<>]*\}|[^{};:<>]"
        assert re.sub(pattern, "", render_stylesheet(theme)) == re.sub(pattern, "", render_stylesheet(plain))

    @pytest.mark.parametrize("tokens", [None, [], "x", {**TOKENS, "css": "x"}, {**TOKENS, "accent": 5}, {"name": "A"}])
    def test_other_shapes_are_refused(self, tokens: object) -> None:
        with pytest.raises(InvalidTheme):
            parse_theme(tokens)

    def test_text_that_cannot_be_read_on_the_accent_is_refused_with_the_way_out(self) -> None:
        with pytest.raises(InvalidTheme, match=r"#ffffff on #facc15 has a contrast of 1\.5\d:1.*#0b0c0f is used"):
            parse_theme(TOKENS | {"accent": "#facc15", "on_accent": "#ffffff"})

    def test_readable_chosen_text_colours_are_unchanged(self) -> None:
        assert parse_theme(TOKENS | {"accent": "#facc15", "on_accent": "#1c1917"}).accent_text == "#1c1917"


class TestColour:
    def test_contrast_agrees_with_wcags_own_examples(self) -> None:
        assert contrast("#000000", "#ffffff") == pytest.approx(21)
        assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
        assert contrast("#ff0000", "#ffffff") == pytest.approx(3.998, abs=0.005)

    @given(colours)
    def test_a_colour_round_trips_through_oklch(self, colour: str) -> None:
        back = from_oklch(*to_oklch(colour))
        assert max(abs(a - b) for a, b in zip(channels(colour), channels(back), strict=True)) <= 1

    @given(colours)
    def test_text_on_any_colour_can_be_read(self, colour: str) -> None:
        assert contrast(readable_on(colour), colour) >= 4.5

    @given(colours, st.sampled_from(["#ffffff", "#0c0e13", "#f2f4f8"]), st.sampled_from([3.0, 4.5]))
    def test_a_reached_shade_has_its_contrast(self, colour: str, ground: str, ratio: float) -> None:
        assert contrast(reach_contrast(colour, [ground], ratio), ground) >= ratio

    def test_unreachable_contrast_is_reported(self) -> None:
        with pytest.raises(ValueError, match="no shade"):
            reach_contrast("#ff0000", ["#777777"], 7)


# (foreground, background, ratio): text 4.5, borders of controls and graphics 3 (WCAG 2.2, 1.4.3 and 1.4.11).
GROUNDS = ("canvas", "surface", "raised", "subtle", "hover")
PAIRS = [
    *((text, ground, 4.5) for text in ("text", "muted") for ground in GROUNDS),
    *(("accent-text", ground, 4.5) for ground in ("canvas", "surface", "subtle", "hover", "accent-soft")),
    *((f"{kind}-text", f"{kind}-soft", 4.5) for kind in ("ok", "warn", "bad", "info")),
    *((f"{kind}-text", ground, 4.5) for kind in ("ok", "warn", "bad", "info") for ground in ("canvas", "hover")),
    *((f"{kind}-text", "surface", 4.5) for kind in ("ok", "warn", "bad", "info")),
    *(("text", f"{kind}-soft", 4.5) for kind in ("ok", "warn", "bad", "info", "accent")),
    ("on-accent", "accent", 4.5),
    ("on-accent", "accent-hover", 4.5),
    ("on-bad", "bad-fill", 4.5),
    *((edge, ground, 3.0) for edge in ("edge", "accent-edge") for ground in ("canvas", "surface")),
    *((kind, "surface", 3.0) for kind in ("ok", "warn", "bad", "info")),
    *((f"series-{number}", "surface", 3.0) for number in range(1, 7)),
]  # fmt: skip


class TestPalette:
    @pytest.mark.parametrize("dark", [False, True])
    @given(theme=themes)
    def test_all_text_is_readable_under_every_brand(self, *, dark: bool, theme: Theme) -> None:
        colours = build_palette(theme, dark=dark)
        weak = [
            (front, back, round(contrast(colours[front], colours[back]), 2))
            for front, back, ratio in PAIRS
            if contrast(colours[front], colours[back]) < ratio
        ]
        assert weak == []

    @given(themes)
    def test_the_accent_stays_the_brands_own(self, theme: Theme) -> None:
        assert build_palette(theme, dark=True)["accent"] == build_palette(theme, dark=False)["accent"] == theme.accent


class TestFiles:
    @given(themes)
    def test_a_stylesheet_holds_only_custom_properties(self, theme: Theme) -> None:
        css = render_stylesheet(theme)
        for line in css.split("\n")[1:-4]:
            assert re.fullmatch(r"--[a-z0-9-]+:(light-dark\(#[0-9a-f]{6},#[0-9a-f]{6}\)|[\w\",. -]+);", line), line

    @given(themes, themes)
    def test_the_hash_follows_the_content(self, one: Theme, other: Theme) -> None:
        same = render_stylesheet(one) == render_stylesheet(other)
        assert (content_hash(render_stylesheet(one)) == content_hash(render_stylesheet(other))) is same

    @given(themes)
    def test_a_logo_contains_nothing_executable(self, theme: Theme) -> None:
        drawn = render_icon(theme) + str(render_logo(theme))
        assert not re.search(r"script|style=|on\w+=|href|url\(|&|<!", drawn)
        assert f">{theme.monogram}<" in drawn
