"""The logo on documents: the MSP's own, unless it is too pale for white paper."""

from billing.documents.logo import find_logo
from billing.sides import Side
from branding.image_store import set_image
from branding.images import ImageKind
from tests.billing.conftest import Market
from tests.branding.test_brands import NOW, publish, some_host
from tests.branding.test_images import drawn
from tests.conftest import make_scope


async def test_documents_show_the_logo_of_their_own_msp(market: Market) -> None:
    async with market.as_client() as session:
        assert await find_logo(session, Side.RETAIL) is None
    await publish(market.db, market.msp_account, some_host())
    for colour, is_shown in (((250, 250, 250, 255), False), ((20, 90, 200, 255), True)):
        async with market.as_msp_account() as session:
            content = drawn((300, 60), colour)
            await set_image(session, slug="main", kind=ImageKind.LOGO, content=content, now=NOW)
        async with market.as_client() as session:
            found = await find_logo(session, Side.RETAIL)
            assert (found is not None) is is_shown
            assert await find_logo(session, Side.WHOLESALE) is None
    assert found is not None
    assert (found.content[:4], found.is_wordmark) == (b"\x89PNG", True)
    async with market.db.transaction(make_scope()) as session:
        assert await find_logo(session, Side.RETAIL) is None, "of another MSP"
