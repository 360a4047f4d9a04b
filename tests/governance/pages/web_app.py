"""This room's pages and API in a small application, and readers of every kind."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import httpx
from litestar import Litestar, Request, Response
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template.config import TemplateConfig
from litestar.types import ControllerRouterHandler

import governance
from billing.usage.pages import provide_meters
from branding.directory import BrandDirectory
from branding.environment import build_environment
from branding.pages import provide_brand
from connectors.registry import build_registry
from connectors.runtime import ConnectorRuntime
from controlplane.rooms import ROOMS
from controlplane.web.access import authenticate_first, provide_access
from foundation.errors import DomainError
from foundation.ids import new_id
from foundation.rooms import Rooms
from foundation.scope import Scope
from foundation.web.problems import problem
from governance.dead_letters.pages import provide_job_title
from governance.room import ROOM
from governance.services import GovernanceServices
from policy.packaged import starter_rules
from policy.publishing import assign_role, publish_rules
from tenants.auth.pages import provide_auth
from tenants.auth.services import AuthServices
from tenants.members.repository import NewMember, create_member, set_password
from tenants.partners.manage import create_partner
from tenants.states import PartnerKind
from tests.governance.pages.samples import Sample
from tests.tenants.conftest import Tenant
from tests.tenants.web_app import visiting

_TOKEN = re.compile(r'name="_csrf_token"\s+value="([^"]+)"')


@dataclass
class Reader:
    """A signed-in member. A response that is not found, refused or invalid is a status for the test to check."""

    http: httpx.AsyncClient
    host: str
    cookie: str
    member_id: UUID

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._send("GET", path, headers={"sec-fetch-site": "same-origin"} | headers)

    async def post(
        self, path: str, form: Mapping[str, str] | None = None, *, page: str, token: str | None = None
    ) -> httpx.Response:
        """Post as a browser does: the form's token comes from `page`."""
        value = token if token is not None else token_of(await self.get(page))
        headers = {"origin": f"https://{self.host}", "sec-fetch-site": "same-origin"}
        return await self._send("POST", path, headers=headers, data=dict(form or {}) | {"_csrf_token": value})

    async def call(self, path: str, body: object, *, page: str, method: str = "POST") -> httpx.Response:
        """Write to the API from a page of the browser's session: the token goes in a header."""
        headers = {"origin": f"https://{self.host}", "x-csrf-token": token_of(await self.get(page))}
        return await self._send(method, path, headers=headers, json=body)

    async def _send(self, method: str, path: str, *, headers: Mapping[str, str], **more: Any) -> httpx.Response:
        sent = dict(headers) | {"cookie": f"__Host-session={self.cookie}"}
        return await self.http.request(method, f"https://{self.host}{path}", headers=sent, **more)


def token_of(page: httpx.Response) -> str:
    found = _TOKEN.search(page.text)
    assert found is not None, page.text
    return found[1]


@dataclass
class GovernanceWebApp:
    """`acme` and `borealis` are clients of one MSP; `alien` is another MSP's client called acme too."""

    auth: AuthServices
    http: httpx.AsyncClient
    host: str
    msp: Tenant
    acme: Sample
    borealis: Sample
    alien: Sample
    partner_id: UUID
    readers: dict[str, Reader] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Reader:
        return self.readers[name]

    async def admit(self, name: str, scope: Scope, role: str, *, partner_id: UUID | None = None) -> Reader:
        member_id = new_id()
        now = self.auth.clock()
        async with self.auth.db.transaction(scope) as session:
            new = NewMember(member_id, f"{name}-{member_id.hex}@example.com", name.title(), partner_id)
            await create_member(session, new, now=now)
            await set_password(session, member_id=member_id, password_hash="unused", now=now)
            await assign_role(session, scope, member_id=member_id, role=role, clock=self.auth.clock, new_id=new_id)
        signed_in = await self.auth.sessions.start(
            msp_id=scope.msp_id, tenant_id=scope.tenant_id, member_id=member_id, now=now
        )
        self.readers[name] = Reader(self.http, self.host, signed_in.cookie, member_id)
        return self.readers[name]


async def make_policy(auth: AuthServices, scope: Scope) -> None:
    async with auth.db.transaction(scope) as session:
        rules = starter_rules(str(scope.tenant_id))
        await publish_rules(session, scope, rules=rules, clock=auth.clock, new_id=new_id)


async def make_partner(auth: AuthServices, scope: Scope, name: str) -> UUID:
    partner_id = new_id()
    async with auth.db.transaction(scope) as session:
        await create_partner(session, partner_id=partner_id, name=name, kind=PartnerKind.RESELLER, now=auth.clock())
    return partner_id


def context_of(auth: AuthServices) -> GovernanceServices:
    """Pages never call a connected system, so the runtime has only the connectors' declarations."""
    runtime = cast("ConnectorRuntime", SimpleNamespace(registry=build_registry()))
    return GovernanceServices(runtime, auth.policies, auth.clock, new_id, retained=ROOMS.retained)


def build_app(
    auth: AuthServices,
    more: Sequence[ControllerRouterHandler] = (),
    *,
    static_url: Any = lambda name: f"/static/{name}",
) -> Litestar:
    brands = BrandDirectory(auth.db, auth.clock)
    environment = build_environment({"governance": Path(governance.__path__[0])}, static_url=static_url)
    # The web layer uses these services only; the vault for requests with an Idempotency-Key.
    services: Any = SimpleNamespace(db=auth.db, auth=auth, vault=None, rooms=ROOMS, get=lambda _: context_of(auth))
    governance_room = Rooms([ROOM])
    return Litestar(
        route_handlers=[
            *governance_room.built(lambda room: room.pages, services),
            *governance_room.built(lambda room: room.routes, services),
            *more,
        ],
        dependencies={
            "access": provide_access(services, brands),
            "auth": provide_auth(services.auth),
            "brand": provide_brand(brands),
            "job_title": provide_job_title(ROOMS.job_title),
            **provide_meters(ROOMS.meters),
        },
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment)),
        guards=[authenticate_first(services, brands)],
        exception_handlers={DomainError: _refuse},
        openapi_config=None,
        logging_config=None,
    )


def _refuse(_: Request[Any, Any, Any], error: DomainError) -> Response[dict[str, Any]]:
    return Response(problem(error, ""), status_code=int(error.status))


class CurrentService:
    """A proxy for a service of the running test, for objects that outlive one test."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)

    def __call__(self) -> Any:
        return self._find()()


class CurrentAuth:
    """The `AuthServices` of the running test, for an application that stores them when it is built."""

    def __init__(self) -> None:
        self.current: AuthServices
        self.db = CurrentService(lambda: self.current.db)
        self.policies = CurrentService(lambda: self.current.policies)
        self.clock = CurrentService(lambda: self.current.clock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.current, name)


_AUTH = CurrentAuth()


@cache
def _shared_app() -> Litestar:
    """One application per process: building it takes half of a test's time. Every test has MSPs, hosts and services of
    its own.
    """
    return build_app(cast("AuthServices", _AUTH))


@asynccontextmanager
async def browsing(auth: AuthServices) -> AsyncIterator[httpx.AsyncClient]:
    _AUTH.current = auth
    async with visiting(_shared_app()) as http:
        yield http
