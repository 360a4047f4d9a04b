"""An MSP with two clients, a partner in one of them, and a client of another MSP; each has its rows."""

from collections.abc import AsyncIterator

import pytest

from foundation.ids import new_id
from tenants.auth.services import AuthServices
from tests.governance.pages.samples import Sample
from tests.governance.pages.web_app import GovernanceWebApp, browsing, make_partner, make_policy
from tests.tenants.conftest import (  # noqa: F401 - fixtures
    NOW,
    auth,
    clock,
    make_client,
    make_msp,
    passwords,
    sessions,
    throttle,
)
from tests.tenants.web_app import give_host


@pytest.fixture
async def web_app(auth: AuthServices) -> AsyncIterator[GovernanceWebApp]:  # noqa: F811 - the fixture
    """The application with empty clients: each test adds its own rows."""
    msp, other = await make_msp(auth.db), await make_msp(auth.db)
    acme = await make_client(auth.db, msp, "acme")
    borealis = await make_client(auth.db, msp, "borealis")
    alien = await make_client(auth.db, other, "acme")
    host = f"portal-{new_id().hex}.example"
    await give_host(auth.db, msp, host)
    samples = [Sample(auth.db, tenant.scope, NOW) for tenant in (acme, borealis, alien)]
    for sample in samples:
        await make_policy(auth, sample.scope)
    partner = await make_partner(auth, acme.scope, "Harbour Retail")
    async with browsing(auth) as http:
        made = GovernanceWebApp(auth, http, host, msp, samples[0], samples[1], samples[2], partner_id=partner)
        for name, scope, role in (
            ("viewer", acme.scope, "client_viewer"),
            ("approver", acme.scope, "client_approver"),
            ("admin", acme.scope, "client_admin"),
            ("stranger", borealis.scope, "client_admin"),
            ("operator", msp.scope, "msp_operator"),
            ("staff", msp.scope, "msp_admin"),
        ):
            await made.admit(name, scope, role)
        await made.admit("partner", acme.scope, "partner", partner_id=partner)
        yield made


@pytest.fixture
async def busy(web_app: GovernanceWebApp) -> GovernanceWebApp:
    """Each client sells through two channels; the second of acme's is its partner's."""
    for sample in (web_app.acme, web_app.borealis, web_app.alien):
        await sample.set_up()
        await sample.connection("Web shop")
    await web_app.acme.connection("Harbour market", kind="sandbox-market", partner=web_app.partner_id)
    await web_app.borealis.connection("Far market")
    await web_app.alien.connection("Far market")
    return web_app
