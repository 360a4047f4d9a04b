"""The MSP's uploaded logo on its documents."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from billing.sides import Side
from branding.directory import read_msp_brand
from branding.image_store import read_own_image
from branding.images import LEAST_CONTRAST, ImageKind
from foundation.errors import NotFound


class DocumentLogo(NamedTuple):
    """A PNG. A wordmark contains the brand's name."""

    content: bytes
    is_wordmark: bool


async def find_logo(session: AsyncSession, side: Side) -> DocumentLogo | None:
    """The logo; None where the document shows the monogram: the operator has no brand, and the MSP may have no logo or
    one too pale for white paper.
    """
    if side is Side.WHOLESALE:
        return None
    try:
        brand = await read_msp_brand(session)
    except NotFound:
        return None
    logo = brand.images.get(ImageKind.LOGO)
    if logo is None or logo.contrast_light < LEAST_CONTRAST:
        return None
    content = await read_own_image(session, brand, ImageKind.LOGO)
    return None if content is None else DocumentLogo(content, logo.is_wordmark)
