"""The room's pages and API as one small application, and a browser that stores cookies and calls two hosts."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import httpx
import msgspec
from litestar import Litestar, Request, Response
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template.config import TemplateConfig

import tenants
from branding.directory import BrandDirectory
from branding.environment import build_environment
from branding.manage import point_host, set_brand
from branding.pages import provide_brand
from branding.theme import DEFAULT_THEME
from controlplane.rooms import ROOMS
from controlplane.web.access import provide_access
from foundation.database.engine import Database
from foundation.errors import DomainError
from foundation.ids import new_id
from foundation.web.problems import problem
from tenants.auth.pages import PAGES, provide_auth
from tenants.auth.services import AuthServices
from tenants.routes import ROUTES
from tenants.welcome.pages import WELCOME_PAGES
from tests.tenants.conftest import NOW, PASSWORD, Tenant

_TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')


def build_site(auth: AuthServices) -> Litestar:
    brands = BrandDirectory(auth.db, auth.clock)
    environment = build_environment({"tenants": Path(tenants.__file__).parent}, static_url=lambda name: name)
    # The web layer uses these services only; the vault for requests with an Idempotency-Key.
    services: Any = SimpleNamespace(db=auth.db, auth=auth, vault=None, rooms=ROOMS)
    return Litestar(
        route_handlers=[*PAGES, *WELCOME_PAGES, *ROUTES],
        dependencies={
            "brand": provide_brand(brands),
            "auth": provide_auth(auth),
            "access": provide_access(services, brands),
        },
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment)),
        exception_handlers={DomainError: _refuse},
        openapi_config=None,
        logging_config=None,
    )


def _refuse(_: Request[Any, Any, Any], error: DomainError) -> Response[dict[str, Any]]:
    return Response(problem(error, ""), status_code=int(error.status))


async def give_host(db: Database, msp: Tenant, host: str) -> None:
    async with db.transaction(msp.scope) as session:
        theme = msgspec.structs.replace(DEFAULT_THEME, name=f"Brand of {host}")
        await set_brand(session, slug="main", theme=theme, now=NOW, new_id=new_id)
        await point_host(session, slug="main", host=host, now=NOW)


class Browser:
    """One visitor on one host. Cookies are stored by name for this host, as in a browser."""

    def __init__(self, client: httpx.AsyncClient, origin: str) -> None:
        self.client = client
        self.origin = origin
        self.cookies: dict[str, str] = {}

    @classmethod
    async def on_a_host_of(cls, client: httpx.AsyncClient, db: Database, msp: Tenant) -> Self:
        host = f"portal-{new_id().hex}.example"
        await give_host(db, msp, host)
        return cls(client, f"https://{host}")

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.send("GET", path, headers={"sec-fetch-site": "none"} | headers)

    async def post(self, path: str, form: Mapping[str, str], **headers: str) -> httpx.Response:
        own = {"origin": self.origin, "sec-fetch-site": "same-origin"}
        return await self.send("POST", path, headers=own | headers, data=dict(form))

    async def send(self, method: str, path: str, *, headers: Mapping[str, str], **more: Any) -> httpx.Response:
        sent = dict(headers)
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.client.request(method, f"{self.origin}{path}", headers=sent, **more)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.split(";")[0].partition("=")
            if "max-age=0" in line.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value.strip('"')
        self.client.cookies.clear()
        return answer

    async def form_token(self, path: str = "/sign-in") -> str:
        return token_of(await self.get(path))

    async def sign_in(self, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        token = await self.form_token()
        return await self.post("/sign-in", {"email": email, "password": password, "_csrf_token": token} | more)


def token_of(page: httpx.Response) -> str:
    found = _TOKEN.search(page.text)
    assert found is not None, page.text
    return found[1]


@asynccontextmanager
async def visiting(web_app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=web_app, client=("203.0.113.7", 40000))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport) as client:
        yield client
