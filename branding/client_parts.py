"""A client's own parts of the brand, in place of its MSP's. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final
from unicodedata import normalize
from urllib.parse import urlencode

import msgspec

from branding.brand import Brand, BrandFile, render_marks
from branding.errors import InvalidTheme
from branding.images import BrandImages, ImageKind
from branding.logo import render_icon
from branding.stylesheet import content_hash, render_stylesheet
from branding.theme import DEFAULT_THEME, Theme, parse_theme
from foundation.marks import N_

FILES: Final = "/client-brand"
"""Folder of the files of clients' brands, on each host."""
_DRAWN: Final = ("monogram", "accent", "on_accent", "mark")
_STYLED: Final = ("accent", "on_accent", "neutral", "radius", "font")
_LONGEST_MONOGRAM: Final = 3


class ClientBrandParts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A client's parts of the brand; an empty part is the MSP's. `on_accent`: text colour on the client's own `accent`;
    `sender_name`: sender of mails, by default the name.
    """

    name: str = ""
    monogram: str = ""
    accent: str = ""
    on_accent: str = ""
    sender_name: str = ""

    @property
    def draws_mark(self) -> bool:
        """Whether the MSP's uploaded logo, which may contain its name, gives way to a drawn one."""
        return bool(self.name or self.monogram)


PARTS: Final = tuple(field.name for field in msgspec.structs.fields(ClientBrandParts))
NO_PARTS: Final = ClientBrandParts()


def parse_parts(tokens: object) -> ClientBrandParts:
    """Validate parts independently of the MSP's brand, which may change later. Raises: InvalidTheme."""
    try:
        parts = msgspec.convert(tokens, ClientBrandParts, strict=True)
    except msgspec.ValidationError as error:
        raise InvalidTheme("theme", "{token}: {error}", params={"error": str(error)}) from error
    if parts.on_accent and not parts.accent:
        raise InvalidTheme("on_accent", N_("{token}: choose a brand colour first. This is the text on it."))
    merge_theme(DEFAULT_THEME, parts)
    if parts.sender_name:
        try:
            merge_theme(DEFAULT_THEME, ClientBrandParts(name=parts.sender_name))
        except InvalidTheme as wrong:
            raise InvalidTheme("sender_name", wrong.problem) from None
    return parts


def merge_theme(theme: Theme, parts: ClientBrandParts) -> Theme:
    """The MSP's theme with the client's parts. Raises: InvalidTheme."""
    given = {name: value for name, value in msgspec.structs.asdict(parts).items() if value and name != "sender_name"}
    if parts.accent:
        given["on_accent"] = parts.on_accent  # the MSP's may be unreadable on the client's accent
    if parts.name and not parts.monogram:
        given["monogram"] = _initials(parts.name) or theme.monogram
    return parse_theme(_texts(theme) | given)


def client_brand(brand: Brand, parts: ClientBrandParts, images: BrandImages) -> Brand:
    """The MSP's brand with a client's parts and uploaded images."""
    if parts == NO_PARTS and not images:
        return brand
    theme = merge_theme(brand.theme, parts)
    shown = _shown_images(brand.images, parts, images)
    logo, signature = render_marks(theme, shown)
    return replace(
        brand,
        theme=theme,
        own_stylesheet=_style(theme) if parts.accent else None,
        icon=_icon(theme) if parts.draws_mark or parts.accent else brand.icon,
        logo=logo,
        signature=signature,
        images=shown,
        sender=parts.sender_name,
        base=brand,
    )


def generated_file(name: str, tokens: Mapping[str, str]) -> BrandFile | None:
    """The generated file of an address; its content depends on the tokens only. None for another file type.

    Raises:
        InvalidTheme: a token is malformed.
    """
    known = {one: tokens[one] for one in (*_STYLED, *_DRAWN) if one in tokens}
    theme = parse_theme(_texts(DEFAULT_THEME) | known)
    return {"css": _style, "svg": _icon}[kind](theme) if (kind := name.rpartition(".")[2]) in ("css", "svg") else None


def _shown_images(theirs: BrandImages, parts: ClientBrandParts, own: BrandImages) -> BrandImages:
    """Images of the merged brand. A client's logo or drawn mark replaces both logos of the MSP."""
    shown = dict(theirs)
    if ImageKind.LOGO in own or parts.draws_mark:
        shown.pop(ImageKind.LOGO, None)
        shown.pop(ImageKind.LOGO_DARK, None)
    if parts.draws_mark:
        shown.pop(ImageKind.ICON, None)
    return shown | dict(own)


@lru_cache(maxsize=256)
def _style(theme: Theme) -> BrandFile:
    return _file(render_stylesheet(theme), theme, _STYLED, "css", "text/css")


@lru_cache(maxsize=256)
def _icon(theme: Theme) -> BrandFile:
    return _file(render_icon(theme), theme, _DRAWN, "svg", "image/svg+xml")


def _file(content: str, theme: Theme, names: tuple[str, ...], ending: str, media_type: str) -> BrandFile:
    tokens = urlencode({name: value for name, value in _texts(theme).items() if name in names and value})
    return BrandFile(f"{FILES}/{content_hash(content)}.{ending}?{tokens}", media_type, content)


def _texts(theme: Theme) -> dict[str, str]:
    return {name: str(value) for name, value in msgspec.structs.asdict(theme).items()}


def _initials(name: str) -> str:
    """Up to three capital letters or digits; empty for a name in another script."""
    plain = [normalize("NFKD", word).encode("ascii", "ignore").decode() for word in name.split()]
    found = [letter for word in plain for letter in word[:1].upper() if letter.isalnum()]
    return "".join(found[:_LONGEST_MONOGRAM])
