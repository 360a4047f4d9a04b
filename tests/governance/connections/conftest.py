"""Staff of the client's MSP and of another one, in the whole application."""

import pytest

from tests.support.client_env import ClientEnv
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp


@pytest.fixture
async def admin(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.admin)


@pytest.fixture
async def stranger(web_app: WebApp, other_env: ClientEnv) -> Visit:
    other = await set_up_msp(other_env, name="Elsewhere")
    return await web_app.signed_in(other.host, other.admin)
