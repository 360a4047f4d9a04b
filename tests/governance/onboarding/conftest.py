"""The administrator of the client's MSP, in the whole application."""

import pytest

from tests.support.web_app import MspSetup, Visit, WebApp


@pytest.fixture
async def admin(web_app: WebApp, msp_setup: MspSetup) -> Visit:
    return await web_app.signed_in(msp_setup.host, msp_setup.admin)
