"""Stored responses of actions that were refused after their first effects."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, Response
from litestar.di import NamedDependency, Provide
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.web.idempotency import AlreadyAnswered, idempotent_request, replay
from foundation.clock import utc_now
from foundation.database.engine import Database
from foundation.errors import Conflict, DomainError, NotFound, TooManyRequests, Unauthenticated, Unavailable
from foundation.ids import new_id
from foundation.scope import Scope
from foundation.vault.key_ring import KeyRing
from foundation.vault.vault import Vault
from foundation.web.api import KEY_HEADER, REPLAYED_HEADER, post
from foundation.web.problems import problem
from tenants.partners.manage import create_partner, list_partners
from tenants.states import PartnerKind
from tests.conftest import VAULT_KEYS, make_scope
from tests.tenants.web_app import visiting

Refusals = list[DomainError | None]


@pytest.fixture
def scope() -> Scope:
    return make_scope()


@pytest.fixture
def vault() -> Vault:
    return Vault(KeyRing.parse(VAULT_KEYS), new_id, utc_now)


@pytest.fixture
def refusals() -> Refusals:
    """Results of the following actions."""
    return []


@pytest.fixture
async def web_app(db: Database, vault: Vault, scope: Scope, refusals: Refusals) -> AsyncIterator[httpx.AsyncClient]:
    async def acting(request: Request[Any, Any, Any]) -> AsyncGenerator[AsyncSession, None]:
        async with (
            db.transaction(scope) as session,
            idempotent_request(session, vault, request, utc_now, account=scope) as result,
        ):
            yield session
        if result.refusal is not None:
            raise result.refusal

    @post("/act")
    async def act(session: NamedDependency[AsyncSession]) -> dict[str, str]:
        await create_partner(session, partner_id=new_id(), name="Made", kind=PartnerKind.OEM, now=utc_now())
        refusal = refusals.pop(0)
        if refusal is not None:
            raise refusal
        return {"made": "yes"}

    def refuse(_: Request[Any, Any, Any], error: DomainError) -> Response[dict[str, Any]]:
        return Response(problem(error, ""), status_code=int(error.status))

    app = Litestar(
        route_handlers=[act],
        dependencies={"session": Provide(acting)},
        exception_handlers={AlreadyAnswered: replay, DomainError: refuse},
        openapi_config=None,
    )
    async with visiting(app) as client:
        yield client


async def send(web_app: httpx.AsyncClient) -> tuple[int, bool]:
    answer = await web_app.post("https://portal.example/act", headers={KEY_HEADER: "k"})
    return answer.status_code, answer.headers.get(REPLAYED_HEADER) == "true"


async def made(db: Database, scope: Scope) -> int:
    async with db.transaction(scope) as session:
        return len(await list_partners(session))


@pytest.mark.parametrize("refusal", [Conflict("Taken."), NotFound()], ids=lambda refusal: refusal.code)
async def test_it_stays_refused_and_has_done_nothing(
    web_app: httpx.AsyncClient, db: Database, scope: Scope, refusals: Refusals, refusal: DomainError
) -> None:
    refusals += [refusal, None]
    assert await send(web_app) == (refusal.status, False)
    assert await send(web_app) == (refusal.status, True)
    assert await made(db, scope) == 0


@pytest.mark.parametrize(
    "refusal",
    [Unavailable("Away."), TooManyRequests("Wait.", retry_after=1), Unauthenticated("Sign in.")],
    ids=lambda refusal: refusal.code,
)
async def test_transient_refusals_are_not_stored_and_a_repeat_succeeds(
    web_app: httpx.AsyncClient, db: Database, scope: Scope, refusals: Refusals, refusal: DomainError
) -> None:
    refusals += [refusal, None]
    assert await send(web_app) == (refusal.status, False)
    assert await made(db, scope) == 0
    assert await send(web_app) == (201, False)
    assert await send(web_app) == (201, True)
    assert await made(db, scope) == 1
