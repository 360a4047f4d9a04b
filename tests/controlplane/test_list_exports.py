"""CSV exports of every list for every role: allowed or refused."""

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.baseline.start import start_baseline
from policy.packaged import CLIENT_ROLES, MSP_ROLES, SYSTEM_ROLES
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.secrets import new_secret
from tenants.web.lists import LIST
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_msp_setup,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import PASSWORD, MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")


def exports_of(web_app: WebApp) -> Iterator[tuple[str, str]]:
    """Address and list of each download and of each API list."""
    for route in web_app.app.routes:
        for handler in getattr(route, "route_handlers", []):
            if LIST in handler.opt:
                yield route.path_format, handler.opt[LIST].name


async def everyone(web_app: WebApp, msp_setup: MspSetup) -> dict[str, Visit]:
    """A visit for each role."""
    env, visits = msp_setup.env, {"partner": await web_app.signed_in(msp_setup.host, msp_setup.partner)}
    for role in sorted(SYSTEM_ROLES - {"partner", "machine"}):
        scope = env.msp_account if role in MSP_ROLES else env.scope
        email = f"{role}-{secrets.token_hex(4)}@example.test"
        await add_member(web_app.services, scope, NewAccountMember(email, role.title(), PASSWORD, role))
        visits[role] = await web_app.signed_in(msp_setup.host, email)
    async with web_app.services.db.transaction(env.scope) as session:
        _, key = await create_api_key(session, new_secret, NewApiKey(new_id(), "Tool", "machine"), now=utc_now())
    visits["machine"] = web_app.visit(msp_setup.host)
    visits["machine"].http.headers["authorization"] = f"Bearer {key}"
    assert visits.keys() == MSP_ROLES | CLIENT_ROLES
    return visits


async def test_every_role_gets_a_lists_csv_or_is_refused(web_app: WebApp, msp_setup: MspSetup) -> None:
    async with web_app.services.db.transaction(msp_setup.env.scope) as session:
        baseline = await start_baseline(session, web_app.services.governance, now=utc_now())
    found, given = list(exports_of(web_app)), set()
    assert len(found) > 25
    for who, visit in (await everyone(web_app, msp_setup)).items():
        for template, name in found:
            path = template.replace("{client}", msp_setup.slug).replace("{baseline_id}", str(baseline))
            while "{" in path:
                path = f"{path[: path.index('{')]}{new_id()}{path[path.index('}') + 1 :]}"
            answer = await visit.http.get(path, headers={"Accept": "text/csv"})
            assert answer.status_code in {200, 403, 404}, (who, path, answer.status_code)
            if answer.status_code == 200:
                assert answer.headers["content-type"] == "text/csv; charset=utf-8", (who, path)
                given.add((who, name))
    assert {name for _, name in given} >= {
        name for template, name in found if "{" not in template.replace("{client}", "")
    }
    of_partner = {"channel-changes", "channel-products", "channel-values", "notifications"}
    assert {name for who, name in given if who == "partner"} == of_partner


async def test_a_partners_export_is_audited_in_the_clients_account(web_app: WebApp, msp_setup: MspSetup) -> None:
    partner = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    answer = await partner.get(f"/clients/{msp_setup.slug}/channel.csv")
    assert answer.status_code == 200
    assert answer.text.startswith("change_id,channel,")
    async with web_app.services.db.transaction(msp_setup.env.scope) as session:
        found = await session.execute(
            text("SELECT body::jsonb -> 'actor' ->> 'name', subject FROM audit_entry WHERE action = 'list.exported'")
        )
        assert [tuple(row) for row in found] == [("Partner Calm Harbour", "list:channel-changes")]
