"""The start page of a local installation lists the hosts, for requests from this machine only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import httpx2
import msgspec
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from branding.assets import build_assets
from controlplane.app import create_app
from controlplane.local_index import write_hosts
from controlplane.services import Services, build_services
from controlplane.stack import project_root
from foundation.telemetry.asgi import AsgiApp, ObservedApp
from foundation.web.boundary import Boundary
from tests.conftest import Urls
from tests.support.fixtures_product import settings_of
from tests.support.shared_web_app import own_env, own_msp_setup, shared_relay_db, shared_services  # noqa: F401 - fixtures
from tests.support.web_app import MspSetup, lifespan

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def serving(services: Services, folder: Path, file: Path | None) -> AsyncIterator[AsgiApp]:
    build_assets(project_root(), folder / "static")
    app = create_app(services, static=folder / "static", local_hosts=file)
    async with lifespan(app):
        yield ObservedApp(Boundary(cast("AsgiApp", app)), registry=CollectorRegistry())


@pytest.fixture(scope="module")
def hosts_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hosts") / "hosts.json"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    services: Services, hosts_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[AsgiApp]:
    async with serving(services, tmp_path_factory.mktemp("site"), hosts_file) as running:
        yield running


@pytest.fixture
def hosts(hosts_file: Path) -> Path:
    hosts_file.write_bytes(msgspec.json.encode(["north.localhost", "south.localhost"]))
    return hosts_file


async def visit(site: AsgiApp, url: str, *, client: str = "127.0.0.1") -> httpx2.Response:
    transport = httpx2.ASGITransport(app=site, raise_app_exceptions=False, client=(client, 1))
    async with httpx2.AsyncClient(transport=transport) as http:
        return await http.get(url, headers={"Accept": "text/html"})


@in_one_loop
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_it_links_each_host(site: AsgiApp, hosts: Path, name: str) -> None:
    page = await visit(site, f"http://{name}:8080/")
    assert page.status_code == 200
    for host in ("north", "south"):
        assert f'<a href="http://{host}.localhost:8080/">' in page.text


@in_one_loop
async def test_without_a_brand_it_shows_how_to_create_one(site: AsgiApp, hosts: Path) -> None:
    await asyncio.to_thread(hosts.write_bytes, b"[]")
    page = await visit(site, "http://localhost:8080/")
    assert (page.status_code, "msp create --help" in page.text) == (200, True)


@in_one_loop
@pytest.mark.parametrize(
    ("url", "client"),
    [
        ("http://localhost:8080/", "192.0.2.1"),
        ("http://unknown.example/", "127.0.0.1"),
        ("http://other.localhost/", "127.0.0.1"),
        ("http://localhost:8080/sign-in", "127.0.0.1"),
    ],
)
async def test_only_local_visitors_see_the_hosts(site: AsgiApp, hosts: Path, url: str, client: str) -> None:
    page = await visit(site, url, client=client)
    assert page.status_code == 404
    assert "north.localhost" not in page.text


@in_one_loop
async def test_in_a_cluster_there_is_no_such_page(urls: Urls, tmp_path: Path) -> None:
    async with serving(build_services(settings_of(urls)), tmp_path, None) as site:
        assert (await visit(site, "http://localhost:8080/")).status_code == 404


def test_the_hosts_are_those_of_the_database(urls: Urls, msp_setup: MspSetup, tmp_path: Path) -> None:
    file = tmp_path / "hosts.json"
    write_hosts(urls.owner, file)
    assert msp_setup.host in msgspec.json.decode(file.read_bytes())
    assert file.stat().st_mode & 0o777 == 0o600
