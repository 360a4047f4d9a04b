"""The whole web application in the test's own loop, visited over ASGI by browsers of two MSPs."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar
from prometheus_client import CollectorRegistry

from branding.assets import build_assets
from branding.manage import point_host, set_brand
from branding.theme import parse_theme
from controlplane.app import create_app
from controlplane.provisioning import NewAccountMember, add_member, add_partner
from controlplane.services import Services
from controlplane.stack import project_root
from controlplane.web.dispatch import dispatch_requests
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Scope
from foundation.telemetry.asgi import ObservedApp
from foundation.web.boundary import Boundary
from tenants.accounts import get_client
from tests.support.client_env import ClientEnv

PASSWORD = "correct horse battery staple"
_TOKEN = re.compile(r'name="_csrf_token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="_csrf_token"')


@dataclass
class Visit:
    """One browser. Forms are sent with the token of the last received page."""

    http: httpx.AsyncClient
    token: str = ""

    async def get(self, path: str, **options: Any) -> httpx.Response:
        answer = await self.http.get(path, **options)
        if found := _TOKEN.search(answer.text):
            self.token = found.group(1) or found.group(2)
        return answer

    async def post(
        self, path: str, form: Mapping[str, str | list[str]] | None = None, **options: Any
    ) -> httpx.Response:
        return await self.http.post(path, data={"_csrf_token": self.token, **(form or {})}, **options)

    async def api(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"X-CSRF-Token": self.token, "Accept": "application/json"}
        return await self.http.request(method, path, json=body, headers=headers)

    async def sign_in(self, email: str) -> httpx.Response:
        await self.get("/sign-in")
        return await self.post("/sign-in", {"email": email, "password": PASSWORD, "next": ""})


@dataclass
class WebApp:
    app: Litestar
    services: Services
    observed: Any
    visits: list[httpx.AsyncClient] = field(default_factory=list)

    def visit(self, host: str) -> Visit:
        base = f"http://{host}"
        transport = httpx.ASGITransport(app=self.observed, raise_app_exceptions=False)
        http = httpx.AsyncClient(transport=transport, base_url=base, headers={"Origin": base}, timeout=30)
        self.visits.append(http)
        return Visit(http)

    async def signed_in(self, host: str, email: str) -> Visit:
        visit = self.visit(host)
        answer = await visit.sign_in(email)
        assert answer.status_code == 303, answer.text[:500]
        await visit.get("/", follow_redirects=True)
        return visit


@asynccontextmanager
async def running_web_app(services: Services, static: Path) -> AsyncIterator[WebApp]:
    build_assets(project_root(), static)
    app = create_app(services, static=static)
    web_app = WebApp(app, services, ObservedApp(Boundary(dispatch_requests(app)), registry=CollectorRegistry()))
    async with lifespan(app):
        yield web_app
    for http in web_app.visits:
        await http.aclose()


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """The ASGI lifespan in a task of its own: a fixture's two halves may run in different tasks."""
    asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answers: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan"}, asked.get, answers.put))  # type: ignore[arg-type]
    await asked.put({"type": "lifespan.startup"})
    started = await answers.get()
    assert started["type"] == "lifespan.startup.complete", started
    try:
        yield
    finally:
        await asked.put({"type": "lifespan.shutdown"})
        await answers.get()
        await task


@dataclass(frozen=True)
class MspSetup:
    """A client's MSP with a brand, a host and members; `slug` is the client's."""

    env: ClientEnv
    host: str
    slug: str
    admin: str
    approver: str
    partner: str


async def brand_of(services: Services, msp_account: Scope, *, name: str, label: str = "") -> str:
    """Create a brand for an MSP. Returns its host."""
    label = label or msp_account.msp_id.hex[-8:]
    host, now = f"{label}.localhost", utc_now()
    tokens = {"name": name, "monogram": "CA", "accent": "#1f5fbf", "support_email": "help@example.test"}
    async with services.db.transaction(msp_account) as session:
        await set_brand(session, slug=f"b-{label}", theme=parse_theme(tokens), now=now, new_id=new_id)
        await point_host(session, slug=f"b-{label}", host=host, now=now)
    return host


async def set_up_msp(env: ClientEnv, *, name: str, admin_name: str = "") -> MspSetup:
    """Create a brand and members for a client's MSP; the second channel belongs to a partner."""
    services, label = env.services, env.scope.tenant_id.hex[-8:]
    host = await brand_of(services, env.msp_account, name=name, label=label)
    admin, approver, partner = (f"{who}-{label}@example.test" for who in ("admin", "approver", "partner"))
    await add_member(
        services, env.msp_account, NewAccountMember(admin, admin_name or f"Admin {name}", PASSWORD, "msp_admin")
    )
    await add_member(services, env.scope, NewAccountMember(approver, f"Approver {name}", PASSWORD, "client_approver"))
    partner_id = await add_partner(services, env.scope, name=f"Partner {name}")
    await add_member(services, env.scope, NewAccountMember(partner, f"Partner {name}", PASSWORD, "partner", partner_id))
    slug = await _slug(services, env.scope)
    return MspSetup(env, host, slug, admin, approver, partner)


async def _slug(services: Services, scope: Scope) -> str:

    async with services.db.transaction(scope) as session:
        return (await get_client(session)).slug
