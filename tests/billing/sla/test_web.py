"""Service levels over the API and on pages."""

from datetime import timedelta

import pytest

from billing.periods import month_before
from billing.sla.assess import Attainment, Breach, record_attainment
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_admin,
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_member_of_the_msp_decides_and_the_client_reads(
    admin: Visit, web_app: WebApp, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
) -> None:
    path, month = f"/clients/{msp_setup.slug}/service-levels", month_before(utc_now())
    wrong = await admin.post(f"{path}/terms", {"bands": "99", "most": "20", "from_month": ""})
    assert (wrong.status_code, "Enter bands such as" in wrong.text) == (422, True)
    terms = {"bands": "99=5", "most": "20", "from_month": f"{month.start:%Y-%m}"}
    assert (await admin.post(f"{path}/terms", terms)).status_code == 303
    breach = Breach(new_id(), new_id(), month.start + timedelta(days=1), None)
    async with env.services.db.transaction(env.scope) as session:
        await record_attainment(session, Attainment(month, 10, 1, [breach]), now=utc_now(), new_id=new_id)
    [proposed] = (await admin.get(f"/api/v1{path}")).json()["months"]
    assert (proposed["state"], proposed["late"]) == ("proposed", 1)
    decision = f"{path}/credits/{proposed['id']}/decision"

    approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
    assert (await approver.api("POST", f"/api/v1{decision}", {"approve": True, "reason": "x"})).status_code == 403
    theirs = await set_up_msp(other_env, name="Others")
    stranger = await web_app.signed_in(theirs.host, theirs.admin)
    foreign = f"/api/v1/clients/{theirs.slug}/service-levels/credits/{proposed['id']}/decision"
    assert (await stranger.api("POST", foreign, {"approve": True, "reason": "x"})).status_code == 404
    assert (await stranger.get(f"/api/v1{path}")).status_code == 404

    assert (await admin.post(decision, {"decision": "reject", "reason": "Maintenance was agreed"})).status_code == 303
    again = await admin.api("POST", f"/api/v1{decision}", {"approve": True, "reason": "x"})
    assert again.status_code == 409
    shown = (await admin.get(path)).text
    parts = ("Rejected", "Maintenance was agreed", f"/changes/{breach.change_id}", ">As of <time")
    assert all(part in shown for part in parts)
