"""Environment of the command line, and the administrator of the web application's MSP."""

import pytest

from tests.conftest import VAULT_KEYS, Urls
from tests.support.web_app import MspSetup, Visit, WebApp


@pytest.fixture
def environment(urls: Urls) -> dict[str, str | None]:
    return {
        "DATABASE_URL": urls.owner,
        "DATABASE_APP_URL": urls.app,
        "DATABASE_INTAKE_URL": urls.intake,
        "DATABASE_RELAY_URL": urls.relay,
        "REDIS_URL": urls.redis,
        "FAIRLEAD_SECRET_KEY": "a secret of the tests, 32 bytes long",
        "FAIRLEAD_VAULT_KEYS": VAULT_KEYS,
        "FAIRLEAD_LOG": None,
    }


@pytest.fixture
async def admin(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.admin)
