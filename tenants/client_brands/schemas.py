"""Bodies of the API of a client's brand, and the form of the page."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from branding.brand import Brand
from branding.client_brands import ClientBrand
from branding.client_parts import PARTS, ClientBrandParts, parse_parts
from branding.images import ImageKind
from foundation.web.requests import RequestBody
from tenants.brands.schemas import ImageView, image_view

Part = Annotated[str, msgspec.Meta(max_length=100)]
OWN_ACCENT: Final = "own_accent"
"""Checkbox: a browser's colour field is never empty."""


class ClientBrandInput(RequestBody, frozen=True):
    """A client's parts; an empty part shows the MSP's. Colours as `#rrggbb` in lower case: `on_accent` is the text on
    the client's own `accent`, by default a readable colour. `monogram`: one to three capital letters or digits, by
    default the name's initials. `sender_name`: the sender of mails, by default the name.
    """

    name: Part = ""
    monogram: Part = ""
    accent: Part = ""
    on_accent: Part = ""
    sender_name: Part = ""

    def parts(self) -> ClientBrandParts:
        """Raises: InvalidTheme."""
        return parse_parts(msgspec.structs.asdict(self))


class ShownBrandView(msgspec.Struct, frozen=True):
    """The brand of the client's pages: the client's parts, and the MSP's in place of empty ones."""

    name: str
    monogram: str
    accent: str
    text_on_accent: str
    sender_name: str


class ClientBrandView(msgspec.Struct, frozen=True):
    """`parts` and `images` are the client's own."""

    parts: ClientBrandInput
    images: Sequence[ImageView]
    shown: ShownBrandView


def client_brand_view(own: ClientBrand, brand: Brand) -> ClientBrandView:
    """`brand` is the MSP's."""
    shown = own.over(brand)
    theme = shown.theme
    return ClientBrandView(
        ClientBrandInput(**own_parts(own.parts)),
        [image_view(own.images[kind]) for kind in ImageKind if kind in own.images],
        ShownBrandView(theme.name, theme.monogram, theme.accent, theme.accent_text, shown.sender_name),
    )


def own_parts(parts: ClientBrandParts) -> dict[str, str]:
    """Every part, empty ones too."""
    return {name: getattr(parts, name) for name in PARTS}


def typed_parts(form: Mapping[str, object]) -> dict[str, str]:
    """Parts as typed on the page."""
    typed = {name: " ".join(str(form.get(name, "")).split()) for name in PARTS}
    accent = typed["accent"].lower() if form.get(OWN_ACCENT) else ""
    return typed | {
        "monogram": typed["monogram"].upper(), "accent": accent, "on_accent": typed["on_accent"].lower(),
    }  # fmt: skip
