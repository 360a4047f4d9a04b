"""The API's Idempotency-Key, over the application's own route table and on real PostgreSQL."""

import asyncio
from uuid import UUID

import httpx
import psycopg
import pytest
from litestar.routes import HTTPRoute
from sqlalchemy import text

from controlplane.jobs import build_jobs
from foundation.idempotency.response_store import PRUNE, RETENTION
from foundation.web.api import KEY_HEADER, REPLAYED_HEADER, ActHandler
from tests.conftest import Urls
from tests.controlplane.test_canary import fill, fitting, handlers, ids_by_parameter, live
from tests.support.as_owner import update_as_owner
from tests.support.client_env import ClientEnv, second_client
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

in_one_loop = pytest.mark.asyncio(loop_scope="module")
MUTATING = {"POST", "PUT", "PATCH", "DELETE"}
BODY = {"name": "Shop", "role": "client_viewer", "email": "new@example.test", "reason": "why", "grant": True}


async def send(
    visit: Visit, path: str, key: str | None, body: object = None, *, method: str = "POST"
) -> httpx.Response:
    headers = {"X-CSRF-Token": visit.token, "Accept": "application/json"} | ({KEY_HEADER: key} if key else {})
    return await visit.http.request(method, path, json=body if body is not None else {"name": "Shop"}, headers=headers)


def replayed(answer: httpx.Response) -> bool:
    return bool(answer.headers.get(REPLAYED_HEADER) == "true")


def acts(web_app: WebApp) -> list[tuple[str, str, dict[str, object]]]:
    """Method, address and body of each action; the body has only fields that the action accepts."""
    return [
        (method, path, {name: BODY[name] for name in opt["fields"] if name in BODY})
        for method, path, opt in handlers(web_app.app)
        if method in MUTATING and path.startswith("/api/")
    ]


async def count_keys(visit: Visit, msp_setup: MspSetup) -> int:
    listed = await visit.api("GET", f"/api/v1/clients/{msp_setup.slug}/api-keys")
    return len(listed.json()["items"])


class TestEveryAct:
    def test_accepts_an_idempotency_key(self, web_app: WebApp) -> None:
        without = [
            f"{route.path}: {handler}"
            for route in web_app.app.routes
            if isinstance(route, HTTPRoute) and route.path.startswith("/api/")
            for handler in route.route_handlers
            if MUTATING & {str(method) for method in handler.http_methods} and not isinstance(handler, ActHandler)
        ]
        assert without == []
        assert len(acts(web_app)) > 10

    def test_declares_the_key_in_the_schema(self, web_app: WebApp) -> None:
        schema = web_app.app.openapi_schema.to_schema()
        assert REPLAYED_HEADER in schema["info"]["description"]
        count = 0
        for operations in schema["paths"].values():
            for method, operation in operations.items():
                names = [parameter["name"] for parameter in operation.get("parameters", ())]
                assert (KEY_HEADER in names) == (method.upper() in MUTATING), operation["operationId"]
                count += KEY_HEADER in names
        assert count == len(acts(web_app))

    @in_one_loop
    async def test_refuses_a_malformed_key_before_anything_else(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit
    ) -> None:
        for method, template, _ in acts(web_app):
            path = fill(template, msp_setup.slug, msp_setup.env.erp)
            answer = await send(admin, path, "x" * 256, method=method)
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/idempotency-key-malformed"), path

    @in_one_loop
    async def test_sent_again_is_answered_again_and_not_done_again(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv, urls: Urls
    ) -> None:
        await live(env, "SKU-001")
        ids, kept = ids_by_parameter(urls, msp_setup, most=1), 0
        for number, (method, template, body) in enumerate(acts(web_app)):
            if template.endswith("/sessions"):
                continue  # one of them is the caller's own
            fit = fitting(template, ids)
            for each in fit if "_id:uuid}" in template else fit[:1]:
                path, key = fill(template, msp_setup.slug, each), f"{number}-{each}"
                first = await send(admin, path, key, body, method=method)
                entries = await audit_entries(env)
                second = await send(admin, path, key, body, method=method)
                assert not replayed(first), path
                not_admitted = first.status_code in (400, 401) or "permission-refused" in first.text
                assert replayed(second) != not_admitted, (path, first.text)
                if replayed(second):
                    kept += 1
                    assert (second.status_code, second.content) == (first.status_code, first.content), path
                    assert stable(second) == stable(first), path
                    assert await audit_entries(env) == entries, f"{path} did something again"
        assert kept > 30


async def audit_entries(env: ClientEnv) -> object:
    return (await env.rows("SELECT count(*) FROM audit_entry"))[0][0]


def stable(answer: httpx.Response) -> dict[str, str]:
    volatile = (REPLAYED_HEADER.lower(), "x-correlation-id", "x-request-id", "content-length", "date", "ratelimit")
    return {name: value for name, value in answer.headers.items() if name not in volatile}


@in_one_loop
class TestOneKey:
    async def test_an_answer_that_is_shown_once_is_shown_again(self, msp_setup: MspSetup, admin: Visit) -> None:
        path = f"/api/v1/clients/{msp_setup.slug}/api-keys"
        first, second = [await send(admin, path, '"a-key"') for _ in range(2)]
        third = await send(admin, path, "a-key")
        assert [a.status_code for a in (first, second, third)] == [201] * 3
        assert first.json()["key"] == second.json()["key"] == third.json()["key"]
        assert [replayed(a) for a in (first, second, third)] == [False, True, True]
        assert second.headers["cache-control"] == "no-store"
        assert await count_keys(admin, msp_setup) == 1

    async def test_without_a_key_each_request_is_its_own(self, msp_setup: MspSetup, admin: Visit) -> None:
        for _ in range(2):
            await send(admin, f"/api/v1/clients/{msp_setup.slug}/api-keys", None)
        assert await count_keys(admin, msp_setup) == 2

    async def test_with_another_request_is_refused(self, msp_setup: MspSetup, admin: Visit) -> None:
        path = f"/api/v1/clients/{msp_setup.slug}/api-keys"
        assert (await send(admin, path, "k")).status_code == 201
        for other in (
            await send(admin, path, "k", {"name": "Other"}),
            await send(admin, f"/api/v1/clients/{msp_setup.slug}/members", "k"),
        ):
            assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
        assert (await send(admin, f"{path}?x=1", "k")).status_code == 400  # no such parameter; the key is not looked up
        assert await count_keys(admin, msp_setup) == 1

    async def test_with_another_method_is_refused(self, msp_setup: MspSetup, admin: Visit) -> None:
        members = f"/api/v1/clients/{msp_setup.slug}/members"
        wanted = {"email": "eve@example.test", "name": "Eve", "role": "client_viewer"}
        made = await send(admin, members, None, wanted)
        role = f"{members}/{made.json()['member']['id']}/roles/client_approver"
        assert (await send(admin, role, "k", method="PUT")).status_code == 204
        answer = await send(admin, role, "k", method="DELETE")
        assert (answer.status_code, "idempotency-key-reused" in answer.text) == (422, True)
        assert (await send(admin, role, "j", method="DELETE")).status_code == 204

    async def test_a_refusal_is_stored_and_a_malformed_request_can_be_repeated(
        self, msp_setup: MspSetup, admin: Visit
    ) -> None:
        members = f"/api/v1/clients/{msp_setup.slug}/members"
        wanted = {"email": msp_setup.approver, "name": "Ann", "role": "client_viewer"}
        first, second = [await send(admin, members, "k", wanted) for _ in range(2)]
        assert (first.status_code, replayed(first), replayed(second)) == (409, False, True)
        assert first.content == second.content
        assert second.headers["content-type"] == "application/problem+json"
        assert (await send(admin, members, "j", {"email": "x"})).status_code == 400
        assert (await send(admin, members, "j", wanted | {"email": "ann@example.test"})).status_code == 201

    async def test_without_permission_nothing_is_stored_or_disclosed(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit
    ) -> None:
        path = f"/api/v1/clients/{msp_setup.slug}/api-keys"
        assert (await send(admin, path, "k")).status_code == 201
        approver = await web_app.signed_in(msp_setup.host, msp_setup.approver)
        for _ in range(2):
            answer = await send(approver, path, "k")
            assert (answer.status_code, replayed(answer)) == (403, False)

    async def test_server_errors_are_not_stored(self, msp_setup: MspSetup, admin: Visit, urls: Urls) -> None:
        path = f"/api/v1/clients/{msp_setup.slug}/api-keys"
        with psycopg.connect(urls.owner, autocommit=True) as owner:
            owner.execute("ALTER TABLE api_key ADD CONSTRAINT away CHECK (name <> 'Shop') NOT VALID")
            try:
                assert (await send(admin, path, "k")).status_code == 500
            finally:
                owner.execute("ALTER TABLE api_key DROP CONSTRAINT away")
        answer = await send(admin, path, "k")
        assert (answer.status_code, replayed(answer)) == (201, False)

    async def test_a_key_is_independent_of_other_accounts_and_routes(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, env: ClientEnv, other_env: ClientEnv
    ) -> None:
        theirs = await set_up_msp(other_env, name="Other")
        their_admin = await web_app.signed_in(theirs.host, theirs.admin)
        sibling = await second_client(env)
        answers = [
            await send(admin, f"/api/v1/clients/{msp_setup.slug}/api-keys", "k"),
            await send(admin, f"/api/v1/clients/{sibling}/api-keys", "k"),
            await send(admin, "/api/v1/api-keys", "k", {"name": "House", "role": "msp_operator"}),
            await send(their_admin, f"/api/v1/clients/{theirs.slug}/api-keys", "k"),
        ]
        assert [(a.status_code, replayed(a)) for a in answers] == [(201, False)] * 4
        assert len({a.json()["key"] for a in answers}) == 4


@in_one_loop
class TestTheFleet:
    """Requests that read all clients of an MSP: their responses are stored in the caller's own account."""

    async def stored(self, env: ClientEnv) -> list[tuple[object, ...]]:
        async with env.services.db.transaction(env.msp_account) as session:
            return [tuple(row) for row in await session.execute(text("SELECT key, tenant_id FROM idempotency_key"))]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/api/v1/client-import/preview", {"csv": "name,slug,currency\nOak,oak,EUR\n"}),
            ("/api/v1/inbox/bulk", {"action": "resolve", "ids": [str(UUID(int=1))], "reason": "done"}),
            (f"/api/v1/mails/{UUID(int=1)}/send", {}),
        ],
    )
    async def test_a_repeated_request_is_answered_again(
        self, admin: Visit, env: ClientEnv, path: str, body: dict[str, object]
    ) -> None:
        first, second = await send(admin, path, "one", body), await send(admin, path, "one", body)
        assert first.status_code in {200, 404}, first.text
        assert (replayed(first), replayed(second)) == (False, True)
        assert second.content == first.content
        assert await self.stored(env) == [("one", env.scope.msp_id)]

    async def test_an_act_in_a_clients_account_is_done_once(
        self, admin: Visit, msp_setup: MspSetup, env: ClientEnv, other_env: ClientEnv
    ) -> None:
        """A mail of a client is sent again: the effect is the client's, the response the caller's."""
        invited = {"email": "mia@client.example", "name": "Mia", "role": "client_viewer"}
        assert (await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/members", invited)).status_code == 201
        async with env.services.db.transaction(env.scope) as session:
            mail_id = await session.scalar(text("UPDATE mail SET state = 'failed' RETURNING id"))
        path = f"/api/v1/mails/{mail_id}/send"
        before = await audit_entries(env)
        assert [(await send(admin, path, "again", {})).status_code for _ in range(2)] == [204, 204]
        assert await audit_entries(env) == before + 1  # type: ignore[operator]
        assert await env.rows("SELECT state FROM mail") == [("queued",)]
        assert ("again", env.scope.msp_id) in await self.stored(env)
        stranger = await set_up_msp(other_env, name="Far Shore")
        assert stranger.slug
        async with env.services.db.transaction(env.scope) as session:
            assert list(await session.scalars(text("SELECT key FROM idempotency_key"))) == []


@in_one_loop
class TestTwoAtOnce:
    async def test_concurrent_requests_have_one_effect_and_the_second_is_refused(
        self, msp_setup: MspSetup, admin: Visit, urls: Urls
    ) -> None:
        path = f"/api/v1/clients/{msp_setup.slug}/api-keys"
        with psycopg.connect(urls.owner) as owner:
            owner.execute("LOCK TABLE api_key IN EXCLUSIVE MODE")  # the first request waits, half completed
            first = asyncio.create_task(send(admin, path, "k"))
            async with asyncio.timeout(60):
                while not waiting(urls):  # noqa: ASYNC110 - PostgreSQL has no event for waiting locks
                    await asyncio.sleep(0.01)
            second = await send(admin, path, "k")
            assert (second.status_code, second.json()["type"]) == (409, "/problems/idempotency-key-in-use")
        assert (await first).status_code == 201
        third = await send(admin, path, "k")
        assert (third.status_code, replayed(third), third.content) == (201, True, (await first).content)
        assert await count_keys(admin, msp_setup) == 1

    async def test_many_make_one_effect_too(self, msp_setup: MspSetup, admin: Visit) -> None:
        path = f"/api/v1/clients/{msp_setup.slug}/api-keys"
        answers = await asyncio.gather(*[send(admin, path, "k") for _ in range(12)])
        assert {a.status_code for a in answers} <= {201, 409}
        assert len({a.content for a in answers if a.status_code == 201}) == 1
        assert sum(not replayed(a) for a in answers if a.status_code == 201) == 1
        assert await count_keys(admin, msp_setup) == 1


def waiting(urls: Urls) -> bool:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'api_key'::regclass"
        ).fetchone()
    return row != (0,)


@in_one_loop
async def test_pages_do_not_accept_idempotency_keys(msp_setup: MspSetup, admin: Visit, env: ClientEnv) -> None:
    await live(env, "SKU-001")
    await admin.get(f"/clients/{msp_setup.slug}/approvals")
    await admin.post(f"/clients/{msp_setup.slug}/approvals", {}, headers={KEY_HEADER: "x" * 300})
    assert await env.rows("SELECT 1 FROM idempotency_key") == []


@in_one_loop
async def test_old_responses_are_pruned_by_a_job(msp_setup: MspSetup, admin: Visit, env: ClientEnv) -> None:
    assert (await send(admin, f"/api/v1/clients/{msp_setup.slug}/api-keys", "k")).status_code == 201
    assert PRUNE.name in build_jobs(env.services)
    update_as_owner(env, "idempotency_key", "created_at = created_at - %(keep)s", keep=RETENTION)
    await env.rows("UPDATE timer SET due_at = now() WHERE name = :name RETURNING 1", name=PRUNE.name)
    await env.work()
    assert await env.rows("SELECT 1 FROM idempotency_key") == []
