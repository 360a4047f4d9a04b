"""The web application, composed from the rooms' pages and routes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from sqlalchemy import text

from branding.assets import asset_urls, read_manifest
from branding.directory import BrandDirectory
from branding.environment import build_environment
from controlplane.local_index import LocalIndex
from controlplane.preflight import check_revision
from controlplane.reference import openapi_config
from controlplane.services import Services
from controlplane.web.access import authenticate_first, provide_access, provide_home
from controlplane.web.error_handlers import ErrorHandlers
from foundation.clock import utc_now
from foundation.rooms import Rooms
from foundation.web.compression import Compression
from foundation.web.fragments import collect_fragments
from foundation.web.redaction import redact_response
from foundation.web.registration import Application, RouterOfOne
from foundation.web.requests import FORM_BYTES, BoundedRequest

_REVISION_VISIBLE = """
    SELECT CASE WHEN to_regclass('alembic_version') IS NULL THEN false
                ELSE has_table_privilege('alembic_version', 'SELECT') END
"""


def create_app(services: Services, *, static: Path, local_hosts: Path | None = None) -> Litestar:
    """The web application. `static` is the folder of built browser assets; `local_hosts` enables `LocalIndex`."""
    brands = services.get(BrandDirectory)
    web = [part.web(services) for part in services.rooms.slices if part.web is not None]

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(services.close)
            for part in web:
                if part.lifespan is not None:
                    await stack.enter_async_context(part.lifespan())
            yield

    app = Application(
        route_handlers=[
            *(mount for part in web for mount in part.mounts),
            RouterOfOne("/", guards=[authenticate_first(services, brands)], middleware=[Compression], route_handlers=[
                create_static_files_router("/static", directories=[static], opt={"public": True},
                                           include_in_schema=False, cache_control=None),
                _start_page(),
                *_health(services),
                *services.rooms.built(lambda room: room.pages, services),
                *services.rooms.built(lambda room: room.routes, services),
            ]),
        ],
        dependencies={
            **{name: provider for part in web for name, provider in part.dependencies.items()},
            "access": provide_access(services, brands),
            "home": provide_home(services, brands),
        },
        request_class=BoundedRequest,
        request_max_body_size=FORM_BYTES,
        exception_handlers=ErrorHandlers(brands, utc_now, LocalIndex(local_hosts)).handlers(),
        template_config=TemplateConfig(instance=_templates(services.rooms, static)),
        lifespan=[lifespan],
        openapi_config=openapi_config(utc_now),
        after_request=redact_response,
        # Litestar's own would replace the handlers of `configure_logging`: lines in another form, without redaction.
        logging_config=None,
        debug=False,
    )  # fmt: skip
    collect_fragments(app)
    return app


def _templates(rooms: Rooms, static: Path) -> JinjaTemplateEngine:
    environment = build_environment(rooms.folders, static_url=asset_urls(read_manifest(static)))
    return JinjaTemplateEngine.from_environment(environment)


def _start_page() -> HTTPRouteHandler:
    @get("/", name="start", opt={"public": True}, include_in_schema=False)
    async def start(home: NamedDependency[str]) -> Redirect:
        """Redirect to the start page of the member's role."""
        return Redirect(home, status_code=303)

    return start


def _health(services: Services) -> list[HTTPRouteHandler]:
    @get("/healthz", opt={"public": True}, include_in_schema=False, sync_to_thread=False)
    def alive() -> Response[bytes]:
        return Response(b'{"status":"ok"}', media_type="application/json")

    @get("/readyz", opt={"public": True}, include_in_schema=False)
    async def ready(request: Request[Any, Any, Any]) -> Response[bytes]:  # noqa: ARG001 - litestar needs a signature
        state = await readiness(services)
        status = 200 if all(value == "ok" for value in state.values()) else 503
        return Response(msgspec.json.encode(state), status_code=status, media_type="application/json")

    return [alive, ready]


async def readiness(services: Services) -> dict[str, str]:
    """Readiness probe. A Valkey outage does not fail the probe: jobs still run, only later."""
    try:
        async with services.db.transaction(None) as session:
            visible = bool((await session.execute(text(_REVISION_VISIBLE))).scalar_one())
            found = await session.execute(text("SELECT version_num FROM alembic_version")) if visible else None
            revision = str(found.scalar_one_or_none() or "") if found is not None else ""
    except Exception as error:  # noqa: BLE001 - with any exception of the driver the answer is "not ready"
        return {"database": type(error).__name__}
    return {"database": "ok", "schema": check_revision(revision) or "ok"}
