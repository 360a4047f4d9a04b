"""The product on the fake, for the tests of a file: import `stripe_fake` and `services_on_stripe`, instead of
`shared_services`.
"""

from collections.abc import AsyncIterator

import msgspec
import pytest_asyncio

from controlplane.services import Services, build_services
from foundation.stripe_settings import StripePlatform
from tests.conftest import Urls
from tests.support.fixtures_product import settings_of
from tests.support.passwords import hash_cheaply
from tests.support.stripe_fake import StripeFake
from tests.support.stripe_fake.serving import serving

PLATFORM_SETTINGS = StripePlatform("sk_test_platform4242", "whsec_platform7777", 150)
"""Settings in which the operator takes 1.5 % of payments to connected accounts."""


@pytest_asyncio.fixture(name="fake", scope="module", loop_scope="module")
async def stripe_fake() -> StripeFake:
    return StripeFake()


@pytest_asyncio.fixture(name="services", scope="module", loop_scope="module")
async def services_on_stripe(urls: Urls, fake: StripeFake) -> AsyncIterator[Services]:
    async with serving(fake) as address:
        built = build_services(msgspec.structs.replace(settings_of(urls), stripe_url=address, stripe=PLATFORM_SETTINGS))
        hash_cheaply(built.auth.passwords)
        yield built
        await built.close()
