"""Isolation of two tenants over every route of the application's route table: nothing of one reaches the other."""

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import pytest_asyncio
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from canonical.elements import COST, PRICE, STOCK
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.ids import new_id
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.secrets import new_secret
from tests.conftest import Urls
from tests.connectors.running import RunningSandbox
from tests.isolation.every_table import TABLES
from tests.support.client_env import ClientEnv, build_client_env
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    own_env,
    own_msp_setup,
    own_other_env,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.slice_declarations import declarations, modules_named
from tests.support.web_app import MspSetup, Visit, WebApp, set_up_msp

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CANARY = "KESTRELCANARY"
PUBLIC_WITHOUT_DATA = ("/static", "/hooks", "/payment-hooks", "/api/v1/schema")
KINDS = {table.name: table.parameter for table in TABLES.values() if table.parameter}
"""Tables, and the parameters of addresses that name their rows."""
OTHER_PARAMETERS = {"account_id", *declarations("canary_rows", "UNSAMPLED")}
"""Parameters beside those of KINDS: the account, with an account's id as the sample, and those of rows that slices do
not create here, with their reasons.
"""
WATCHED = [table.name for table in TABLES.values() if table.watched]
UNVISITED = ("/static", "/brand/", "/client-brand/", "/api/v1/schema", *declarations("canary_rows", "UNVISITED"))
"""Prefixes of addresses that are not pages or have no rows here; each slice gives the reason for its own."""
ANSWER = {"grant": True, "approve": True, "reason": "x", "name": "x", "list": "changes"}
REFUSALS = (400, 403, 404, 405, 422)
# Parts that differ between any two responses: correlation ids, form tokens, times.
_VOLATILE = re.compile(
    rb'[0-9a-f]{32}|name="_csrf_token"[^>]*value="[^"]+"|value="[^"]+"[^>]*name="_csrf_token"|'
    rb'"X-CSRF-Token": ?"[^"]+"|X-CSRF-Token&#34;: ?&#34;[^&]+&#34;|[A-Za-z0-9_-]{80,}|datetime="[^"]+"'
)


@pytest_asyncio.fixture(loop_scope="module")
async def sibling_env(
    env: ClientEnv, services: Any, relay_db: Database, urls: Urls, sandbox: RunningSandbox
) -> AsyncIterator[ClientEnv]:
    """Another client of the same MSP, with the same goods."""
    built = await build_client_env(services, relay_db, urls.intake, sandbox, msp_account=env.msp_account)
    yield built
    await built.close()


async def live(env: ClientEnv, sku: str) -> None:
    """Changes in every state, exceptions and a quarantined message."""
    await env.deliver(
        env.change(sku, COST, 500), env.change(sku, PRICE, 1000), env.change(sku, STOCK, 7),
    )  # fmt: skip
    await env.work(settle=0.5)
    await env.deliver_bytes(b'{"broken": "' + CANARY.encode() + b'"')
    await env.deliver(env.change(sku, PRICE, 100))
    await env.deliver(env.change("SKU-002", PRICE, 2000))
    await env.work(settle=0.5)


async def add_rows(env: ClientEnv) -> None:
    """Add a row of every kind that `live` does not create."""
    for module in modules_named("canary_rows"):
        if hasattr(module, "add_rows"):
            await module.add_rows(env, CANARY)


def handlers(app: Litestar) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path template, options) of every handler of the application."""
    return sorted(
        (method, route.path, {**handler.opt, "fields": fields_of(route.path, handler)})
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method not in ("OPTIONS", "HEAD")
    )


def fields_of(template: str, handler: HTTPRouteHandler) -> tuple[str, ...]:
    """Fields of the route's body. A body with unknown fields is refused before any row is read."""
    if handler.parsed_data_field is None or template.endswith("/{client:str}/suspension"):
        return ()  # a suspended client would refuse the remaining requests
    return tuple(getattr(handler.parsed_data_field.annotation, "__struct_fields__", ()))


async def test_every_route_names_its_permission_or_is_public_on_purpose(web_app: WebApp) -> None:
    unguarded = [
        (method, path)
        for method, path, opt in handlers(web_app.app)
        if "permission" not in opt and not opt.get("public") and not path.startswith(PUBLIC_WITHOUT_DATA)
    ]
    assert unguarded == []
    assert len(handlers(web_app.app)) > 40


async def test_every_parameter_that_is_an_id_has_a_sample(web_app: WebApp) -> None:
    templates = " ".join(path for _, path, _ in handlers(web_app.app))
    named = set(re.findall(r"\{([a-z_]+):uuid\}", templates))
    assert named == {*KINDS.values(), *OTHER_PARAMETERS}


async def test_nothing_of_one_tenant_reaches_another_through_any_route(
    web_app: WebApp, env: ClientEnv, other_env: ClientEnv, urls: Urls
) -> None:
    mine, theirs = await set_up_msp(env, name="Calm Harbour"), await set_up_msp(other_env, name=CANARY)
    await live(env, "SKU-001")
    await live(other_env, "SKU-001")
    await add_rows(other_env)
    ids = ids_by_parameter(urls, theirs, most=1)  # to a stranger, rows of one kind are alike
    assert all(ids.values()), "a kind without a row is not tested"
    before = fingerprint(urls, theirs)
    secrets = [CANARY, theirs.slug, str(other_env.scope.tenant_id), str(other_env.scope.msp_id)]
    names = [theirs.slug, *(str(each) for own in ids.values() for each in own)]
    visits = await clients_own(web_app, mine)
    visits["staff"] = await web_app.signed_in(mine.host, mine.admin)  # the last one: this request suspends the client
    for who, visit in visits.items():
        tried = await probe(web_app, who, visit, secrets, names, lambda template: paths(template, mine, theirs, ids))
        assert tried > 150
    assert fingerprint(urls, theirs) == before, "something of the other tenant was changed"


async def test_nothing_of_a_client_reaches_another_of_the_same_msp(
    web_app: WebApp, env: ClientEnv, sibling_env: ClientEnv, urls: Urls
) -> None:
    mine, theirs = await set_up_msp(env, name="Calm Harbour"), await set_up_msp(sibling_env, name=CANARY)
    await live(env, "SKU-001")
    await live(sibling_env, "SKU-001")
    await add_rows(sibling_env)
    ids = ids_by_parameter(urls, theirs, most=1)  # to a stranger, rows of one kind are alike
    assert all(ids.values()), "a kind without a row is not tested"
    before = fingerprint(urls, theirs)
    secrets = [CANARY, theirs.slug, str(sibling_env.scope.tenant_id)]
    names = [theirs.slug, *(str(each) for own in ids.values() for each in own)]
    for who, visit in (await clients_own(web_app, mine)).items():
        tried = await probe(web_app, who, visit, secrets, names, lambda template: paths(template, mine, theirs, ids))
        assert tried > 150
    # Staff may read both clients; a page of one client must not contain rows of the other.
    staff = await web_app.signed_in(mine.host, mine.admin)
    clients_ids = ids_by_parameter(urls, theirs, in_msp_account=False, most=1)

    def wrong(template: str) -> list[str]:
        return (
            [fill(template, mine.slug, each) for each in fitting(template, clients_ids)] if has_both(template) else []
        )

    assert await probe(web_app, "staff", staff, [], names, wrong) > 50
    assert fingerprint(urls, theirs) == before, "something of the sibling was changed"


async def test_an_id_of_another_tenant_answers_exactly_as_an_unknown_one(
    web_app: WebApp, env: ClientEnv, other_env: ClientEnv, urls: Urls
) -> None:
    mine, theirs = await set_up_msp(env, name="Calm Harbour"), await set_up_msp(other_env, name=CANARY)
    await live(other_env, "SKU-001")
    await add_rows(other_env)
    admin = await web_app.signed_in(mine.host, mine.admin)
    unknown, known_ids = UUID(int=7), object_ids(urls, theirs)[:6]
    for method, template, _ in handlers(web_app.app):
        if "{client" not in template or method != "GET" or "_id:uuid}" not in template:
            continue
        two = await ask(admin, method, fill(template, mine.slug, unknown))
        for known in known_ids:
            real = fill(template, mine.slug, known)
            one = await ask(admin, method, real)
            assert one.status_code == two.status_code == 404, real
            assert masked(one, known) == masked(two, unknown), real


async def test_no_product_name_in_anything_a_client_is_sent(web_app: WebApp, env: ClientEnv, urls: Urls) -> None:
    mine = await set_up_msp(env, name="Calm Harbour")
    await live(env, "SKU-001")
    await add_rows(env)
    await env.work()
    few = ids_by_parameter(urls, mine, most=1)  # other members see what the administrator sees, or less
    wanted = {template for method, template, _ in handlers(web_app.app) if method == "GET" and "{" in template}
    shown: set[str] = set()
    brand = f"b-{env.scope.tenant_id.hex[-8:]}"
    for who in (mine.admin, mine.approver, mine.partner):
        visit = await web_app.signed_in(mine.host, who)
        ids = ids_by_parameter(urls, mine) if who == mine.admin else few
        for method, template, _ in handlers(web_app.app):
            if method != "GET":
                continue
            role = "client_viewer" if "{client:str}" in template else "msp_operator"
            named = template.replace("{slug:str}", brand).replace("{role:str}", role).replace("{step:str}", "systems")
            for path in dict.fromkeys(fill(named, mine.slug, each) for each in fitting(template, ids)):
                answer = await visit.get(path)
                whole = answer.text.lower() + str(answer.headers).lower()
                assert "fairlead" not in whole, path
                if answer.status_code == 200:
                    shown.add(template)
    assert {each for each in wanted - shown if not each.startswith(UNVISITED) and "{invoice_id" not in each} == set()


async def test_public_responses_do_not_contain_the_product_name(web_app: WebApp, env: ClientEnv) -> None:
    mine = await set_up_msp(env, name="Calm Harbour")
    admin = await web_app.signed_in(mine.host, mine.admin)
    page = await admin.get(f"/clients/{mine.slug}/overview")
    linked = re.findall(r'(?:href|src)="(/(?:brand|static)/[^"]+)"', page.text)
    assert len(linked) > 3
    stranger, lost = web_app.visit(mine.host), web_app.visit("nobody.example.test")
    answers = [await stranger.get(path) for path in ("/sign-in", "/nowhere", "/fleet", *linked)]
    answers += [await lost.get("/"), await lost.get("/sign-in"), await stranger.api("GET", "/api/v1/clients")]
    answers.append(await admin.get("/api/v1/schema/openapi.json"))
    answers.append(await stranger.http.post(f"/hooks/{env.erp}", content=b"{}"))
    for answer in answers:
        assert "fairlead" not in answer.text.lower() + str(answer.headers).lower(), answer.request.url


async def clients_own(web_app: WebApp, mine: MspSetup) -> dict[str, Visit]:
    """An approver, a partner's user and the most powerful key of a client."""
    scope = mine.env.scope
    async with web_app.services.db.transaction(scope) as session:
        wanted = NewApiKey(new_id(), "Canary", "client_admin")
        _, key = await create_api_key(session, new_secret, wanted, now=utc_now())
    machine = web_app.visit(mine.host)
    machine.http.headers["authorization"] = f"Bearer {key}"
    assert (await machine.api("GET", f"/api/v1/clients/{mine.slug}/members")).status_code == 200
    return {
        "approver": await web_app.signed_in(mine.host, mine.approver),
        "partner": await web_app.signed_in(mine.host, mine.partner),
        "machine": machine,
    }


async def probe(  # noqa: PLR0917 - one actor's walk
    web_app: WebApp,
    who: str,
    visit: Visit,
    secrets: list[str],
    theirs: list[str],
    paths_of: Callable[[str], list[str]],
) -> int:
    """Request every route with ids of `theirs`: no response contains a secret, and requests that name another tenant's
    object are refused.
    """
    tried = 0
    for method, template, opt in handlers(web_app.app):
        if template.startswith(PUBLIC_WITHOUT_DATA) or template in ("/sign-out", "/sign-out-everywhere", "/sign-in"):
            continue
        for path in paths_of(template):
            answer = await ask(visit, method, path, {name: ANSWER[name] for name in opt["fields"] if name in ANSWER})
            tried += 1
            asked = f"{who} {method} {path}: {answer.status_code}"
            assert answer.status_code < 500, f"{asked} {answer.text[:300]}"
            for secret in secrets:
                if secret not in path:
                    assert secret not in answer.text, f"{asked} tells {secret}"
            if any(each in path for each in theirs):
                signs_in = answer.headers.get("location", "").startswith("/sign-in")  # requested with a key
                assert signs_in or answer.status_code in REFUSALS, asked
    return tried


def object_ids(urls: Urls, msp_setup: MspSetup, *, in_msp_account: bool = True) -> list[UUID]:
    """Ids of every kind of object of the other tenant."""
    return [each for ids in ids_by_parameter(urls, msp_setup, in_msp_account=in_msp_account).values() for each in ids]


def ids_by_parameter(
    urls: Urls, msp_setup: MspSetup, *, in_msp_account: bool = True, most: int = 4
) -> dict[str, list[UUID]]:
    """Ids of the client, and of its MSP with `in_msp_account`; the number of each kind is limited."""
    found: dict[str, list[UUID]] = {parameter: [] for parameter in KINDS.values()}
    tenants = [msp_setup.env.scope.tenant_id, *([msp_setup.env.msp_account.tenant_id] if in_msp_account else [])]
    with psycopg.connect(urls.app) as connection:
        for tenant in tenants:
            enter(connection, tenant, msp_setup.env.scope.msp_id)
            for table, parameter in KINDS.items():
                rows = connection.execute(f"SELECT {TABLES[table].key} FROM {table} ORDER BY 1 LIMIT {most}")
                found[parameter] += [row[0] for row in rows]
    return {**found, "account_id": tenants}


def fitting(template: str, ids: dict[str, list[UUID]]) -> list[UUID]:
    """Ids that fit the template's parameter, and one of another kind. All other kinds get the same answer."""
    for parameter, own in ids.items():
        if f"{{{parameter}:uuid}}" in template:
            return [*own, *(others[0] for name, others in ids.items() if name != parameter and others)][: len(own) + 1]
    return [each[0] for each in ids.values() if each][:1]


def fingerprint(urls: Urls, msp_setup: MspSetup) -> str:
    """A hash over all of the tenant's rows that another tenant could have changed."""
    digest = hashlib.sha256()
    with psycopg.connect(urls.app) as connection:
        enter(connection, msp_setup.env.scope.tenant_id, msp_setup.env.scope.msp_id)
        for table in WATCHED:
            for row in connection.execute(f"SELECT t::text FROM {table} t ORDER BY 1"):
                digest.update(row[0].encode())
    return digest.hexdigest()


def enter(connection: "psycopg.Connection[Any]", tenant_id: UUID, msp_id: UUID) -> None:
    connection.execute(
        "SELECT set_config('app.tenant_id', %s, false), set_config('app.msp_id', %s, false)",
        (str(tenant_id), str(msp_id)),
    )


def has_both(template: str) -> bool:
    return "{client" in template and "_id:uuid}" in template


def paths(template: str, mine: MspSetup, theirs: MspSetup, ids: dict[str, list[UUID]]) -> list[str]:
    """Paths of the template with the other tenant's address, and with our own address and the other's ids."""
    if "{" not in template:
        return [template]
    first = ids["change_id"][0]
    filled = [fill(template, theirs.slug, first)] if "{client" in template else []
    if "_id:uuid}" in template or "{line" in template:
        filled += [fill(template, mine.slug, each) for each in fitting(template, ids)]
    elif "{client" in template:
        filled.append(fill(template, mine.slug, first))
    return filled


def fill(template: str, slug: str, each: UUID) -> str:
    path = template.replace("{client:str}", slug).replace("{kind:str}", "vendure")
    path = path.replace("{month:str}", "2026-01")
    path = re.sub(r"\{[a-z_]+:uuid\}", str(each), path).replace("{version:int}", "1")
    return re.sub(r"\{[a-z_]+:str\}", "none", path)


async def ask(visit: Visit, method: str, path: str, body: object = None) -> httpx.Response:
    if path.startswith("/api/"):
        return await visit.api(method, path, None if method == "GET" else body)
    if method == "GET":
        return await visit.get(path)
    return await visit.post(path, {"grant": "yes", "reason": "x", "answer": "approve"})


def masked(answer: httpx.Response, each: UUID) -> bytes:
    return _VOLATILE.sub(b"~", answer.content.replace(str(each).encode(), b"ID"))
