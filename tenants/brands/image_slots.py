"""Slots for images on a brand's page, one for each kind."""

from collections.abc import Mapping
from typing import Any, Final

from branding.images import LEAST_CONTRAST, BrandImage, BrandImages, ImageKind
from foundation.marks import N_

_IMAGES: Final[Mapping[ImageKind, tuple[str, str]]] = {
    ImageKind.LOGO: (
        N_("Logo"),
        N_("In the header, on the sign-in page and in mail. One at least twice as wide as high replaces the name."),
    ),
    ImageKind.LOGO_DARK: (N_("Logo for dark pages"), N_("Without it, the logo is shown there, too.")),
    ImageKind.ICON: (N_("Browser icon"), N_("In the browser's tabs and bookmarks. Best square.")),
}
"""Label and explanation."""
_LOGO_OF_CLIENT: Final = N_("In the header and in mail. One at least twice as wide as high replaces the name.")
"""Explanation of a client's logo. It omits the sign-in page, which has the MSP's brand."""


def image_slot(images: BrandImages, kind: ImageKind, *, of_client: bool = False) -> dict[str, Any]:
    """Template context of one kind of image. `weak` names the pages on which the image is hard to see."""
    label, hint = _IMAGES[kind]
    if of_client and kind is ImageKind.LOGO:
        hint = _LOGO_OF_CLIENT
    image = images.get(kind)
    return {"kind": kind, "label": label, "hint": hint, "image": image, "weak": _weak_on(images, image)}


def _weak_on(images: BrandImages, image: BrandImage | None) -> list[str]:
    if image is None or image.kind is ImageKind.ICON:
        return []
    on_light = image.kind is ImageKind.LOGO
    on_dark = image.kind is ImageKind.LOGO_DARK or ImageKind.LOGO_DARK not in images
    found = [
        (on_light and image.contrast_light < LEAST_CONTRAST, N_("Hard to see on light pages")),
        (on_dark and image.contrast_dark < LEAST_CONTRAST, N_("Hard to see on dark pages")),
    ]
    return [label for is_weak, label in found if is_weak]
