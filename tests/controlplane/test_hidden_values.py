"""Values that a rule hides from a role: absent from all pages, the API, CSV and webhooks."""

import re

import pytest

from canonical.elements import COST, PRICE
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.policies.drafts import put_rule
from governance.policies.publish_draft import publish_draft
from governance.services import GovernanceServices
from policy.rule_form import RuleForm, RuleOutcome
from tests.conftest import Urls
from tests.controlplane.test_canary import PUBLIC_WITHOUT_DATA, add_rows, fill, fitting, handlers, ids_by_parameter
from tests.governance.test_main_job import approve_all
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

_COSTS = re.compile(r"[56]\D?1\D?3\D?7\D?9\D?3\D?1")
"""51,379.31 and 61,379.31 in any notation."""
_PRICES = re.compile(r"[78]\D?1\D?3\D?7\D?9\D?3\D?1")
"""71,379.31 and 81,379.31."""
_OF_PRICES = ("/changes", "/approvals", "/audit", "/exceptions", "/proposals", "/propagations")
"""Parts of addresses that show prices and their deliveries to channels."""
_SHOW = RuleForm(element=COST, outcome=RuleOutcome.SHOW, role="client_finance")
_SHOW_PRICE = RuleForm(element=PRICE, outcome=RuleOutcome.SHOW, role="client_finance")
_SHOWN_ON = (
    "/clients/{client}/changes", "/api/v1/clients/{client}/changes", "/clients/{client}/audit",
    "/api/v1/clients/{client}/audit", "/clients/{client}/approvals", "/api/v1/clients/{client}/approvals",
)  # fmt: skip
"""Addresses that show the cost to who may see it, so that the test can fail."""


async def goods(env: ClientEnv) -> None:
    """Recorded costs, a price decided with one, a pending price, and unreadable values."""
    await env.deliver(env.change("SKU-001", COST, 5_137_931), env.change("SKU-001", PRICE, 7_137_931))
    await env.work(settle=0.5)
    await approve_all(env)
    await env.work(settle=0.5)
    await env.deliver(env.change("SKU-001", COST, 6_137_931))
    await env.deliver(env.change("SKU-001", PRICE, 8_137_931), env.change("SKU-001", COST, -5_137_931))
    await env.work(settle=0.5)


async def publish(env: ClientEnv, form: RuleForm, *, revision: int = 1) -> None:
    for name in ("Ada", "Grace"):
        scope = Scope(env.scope.msp_id, env.scope.tenant_id, Actor("member", str(new_id()), name))
        async with env.services.db.transaction(scope) as session:
            if name == "Ada":
                await put_rule(session, form, now=utc_now(), new_id=new_id)
            else:
                services = env.services.get(GovernanceServices)
                await publish_draft(session, services, revision=revision, now=utc_now())


async def test_no_route_shows_a_hidden_cost(web_app: WebApp, env: ClientEnv, urls: Urls) -> None:
    mine = await set_up_msp(env, name="Calm Harbour")
    await goods(env)
    admin = await web_app.signed_in(mine.host, mine.admin)
    shown = [path for path in _SHOWN_ON if _COSTS.search(await read(admin, path.replace("{client}", mine.slug)))]
    assert shown == [*_SHOWN_ON]
    await publish(env, _SHOW)
    await add_rows(env)
    every = addresses(web_app, mine, urls)
    assert await leaks_of(admin, every, _COSTS) == []
    of_prices = [path for path in every if any(part in path for part in _OF_PRICES)]
    assert await leaks_of(admin, of_prices, _PRICES) != []
    await publish(env, _SHOW_PRICE, revision=2)  # after the rule of `add_rows`
    assert await leaks_of(admin, of_prices, _PRICES) == []
    await env.deliver(env.change("SKU-001", COST, 5_137_931))
    await env.work(settle=0.5)
    assert [one for one in await env.rows("SELECT data::text FROM webhook_delivery") if _COSTS.search(str(one))] == []


async def leaks_of(visit: Visit, paths: list[str], values: re.Pattern[str]) -> list[str]:
    """The addresses that show one of the values, each with the text around it."""
    found = [(path, body, values.search(body)) for path in paths for body in [await read(visit, path)]]
    return [f"{path} {body[max(0, at.start() - 80) : at.end() + 20]}" for path, body, at in found if at is not None]


async def read(visit: Visit, path: str) -> str:
    """The body; for the API also the CSV, if there is one."""
    if not path.startswith("/api/"):
        page = await visit.get(path)
        assert page.status_code < 500, path
        return page.text
    answer = await visit.api("GET", path)
    assert answer.status_code < 500, path
    if "_id" in path or answer.status_code != 200:
        return answer.text
    rows = await visit.http.get(path, headers={"accept": "text/csv"})
    return answer.text + (rows.text if rows.status_code == 200 else "")


def addresses(web_app: WebApp, mine: MspSetup, urls: Urls) -> list[str]:
    """Addresses of all reading routes, with ids of the client's own rows."""
    ids = ids_by_parameter(urls, mine, most=3)
    found = []
    for method, template, _ in handlers(web_app.app):
        if method == "GET" and not template.startswith(PUBLIC_WITHOUT_DATA) and not template.startswith("/sign-"):
            found += [fill(template, mine.slug, each) for each in fitting(template, ids)]
    return list(dict.fromkeys(found))
