"""Bodies of the brands' API, and the form of the page."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from branding.brand import Brand
from branding.domain_claims import record_name
from branding.images import BrandImage, ImageKind
from branding.models import BrandDomainClaim
from branding.theme import Theme, parse_theme
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.web.requests import RequestBody

TOKENS = tuple(field.name for field in msgspec.structs.fields(Theme))


class BrandInput(RequestBody, frozen=True):
    """Tokens of a brand. Colours as `#rrggbb` in lower case; `monogram` is one to three capital letters or digits; an
    empty `on_accent` becomes a readable colour. `neutral`: pure, cool, warm, green or violet. `radius`: square, small,
    medium or large. `font`: system, humanist, geometric, grotesque, rounded or serif. `mark`: tile, circle, shield,
    hexagon or diamond.
    """

    name: str
    monogram: str
    accent: str
    support_email: str
    on_accent: str = ""
    neutral: str = "cool"
    radius: str = "medium"
    font: str = "system"
    mark: str = "tile"

    def theme(self) -> Theme:
        """Raises: InvalidTheme."""
        return parse_theme(msgspec.structs.asdict(self))


class ClaimView(msgspec.Struct, frozen=True):
    """A host that waits for its DNS record: a TXT record `record_name` with the value `record_value`. `result` is that
    of the last check: unchecked, missing, different or unreachable.
    """

    host: str
    record_name: str
    record_value: str
    result: str
    checked_at: datetime | None


class ImageInput(RequestBody, frozen=True):
    """A PNG, JPEG or WebP file in base64: up to 1 MB and 4 million pixels. It is stored as PNG."""

    content: str

    def decoded(self) -> bytes:
        """Raises: InvalidInput."""
        try:
            return b64decode(self.content, validate=True)
        except ValueError:
            raise InvalidInput(N_("The content is not base64."), field="content") from None


class ImageView(msgspec.Struct, frozen=True):
    """`kind`: logo, logo-dark (on dark pages) or icon. `path` has the content's hash. The contrasts, from 1 to 21, are
    with light and with dark pages; below 3 it is hard to see there.
    """

    kind: str
    path: str
    width: int
    height: int
    contrast_light: float
    contrast_dark: float


class BrandView(msgspec.Struct, frozen=True):
    """`hosts` show the brand; `waiting` are to show it when their DNS record is found."""

    id: UUID
    slug: str
    hosts: Sequence[str]
    tokens: BrandInput
    waiting: Sequence[ClaimView] = ()
    images: Sequence[ImageView] = ()


def brand_view(brand: Brand, hosts: Sequence[str], claims: Sequence[BrandDomainClaim] = ()) -> BrandView:
    if brand.id is None:
        raise ValueError("the default brand belongs to no MSP")
    tokens = msgspec.convert(all_tokens(brand.theme), BrandInput)
    images = [image_view(brand.images[kind]) for kind in ImageKind if kind in brand.images]
    return BrandView(brand.id, brand.slug, hosts, tokens, [claim_view(claim) for claim in claims], images)


def image_view(image: BrandImage) -> ImageView:
    return ImageView(image.kind, image.path, image.width, image.height, image.contrast_light, image.contrast_dark)


def claim_view(claim: BrandDomainClaim) -> ClaimView:
    return ClaimView(claim.host, record_name(claim.host), claim.token, claim.result, claim.checked_at)


def all_tokens(theme: Theme) -> dict[str, str]:
    """Every token, those with a default too."""
    return {name: str(value) for name, value in msgspec.structs.asdict(theme).items()}


def typed_tokens(form: Mapping[str, object]) -> dict[str, str]:
    """Tokens as typed. A browser's colour field sends lower case; a typed one may not."""
    typed = {name: str(form.get(name, "")).strip() for name in TOKENS}
    lowered = ("accent", "on_accent", "support_email")
    return typed | {name: typed[name].lower() for name in lowered} | {"monogram": typed["monogram"].upper()}
