"""The start page of a local installation lists the hosts, for requests from this machine only."""

import asyncio
from pathlib import Path
from typing import cast

import httpx2
import msgspec
import pytest
from prometheus_client import CollectorRegistry

from branding.assets import build_assets
from controlplane.app import create_app
from controlplane.local_index import write_hosts
from controlplane.services import Services
from controlplane.stack import project_root
from foundation.telemetry.asgi import AsgiApp, ObservedApp
from foundation.web.boundary import Boundary
from tests.conftest import Urls
from tests.support.web_app import MspSetup, lifespan


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    file = tmp_path / "hosts.json"
    file.write_bytes(msgspec.json.encode(["north.localhost", "south.localhost"]))
    return file


async def visit(
    services: Services, folder: Path, url: str, *, file: Path | None, client: str = "127.0.0.1"
) -> httpx2.Response:
    build_assets(project_root(), folder / "static")
    app = create_app(services, static=folder / "static", local_hosts=file)
    observed = ObservedApp(Boundary(cast("AsgiApp", app)), registry=CollectorRegistry())
    transport = httpx2.ASGITransport(app=observed, raise_app_exceptions=False, client=(client, 1))
    async with lifespan(app), httpx2.AsyncClient(transport=transport) as http:
        return await http.get(url, headers={"Accept": "text/html"})


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_it_links_each_host(services: Services, tmp_path: Path, hosts: Path, name: str) -> None:
    page = await visit(services, tmp_path, f"http://{name}:8080/", file=hosts)
    assert page.status_code == 200
    for host in ("north", "south"):
        assert f'<a href="http://{host}.localhost:8080/">' in page.text


async def test_without_a_brand_it_shows_how_to_create_one(services: Services, tmp_path: Path, hosts: Path) -> None:
    await asyncio.to_thread(hosts.write_bytes, b"[]")
    page = await visit(services, tmp_path, "http://localhost:8080/", file=hosts)
    assert (page.status_code, "msp create --help" in page.text) == (200, True)


@pytest.mark.parametrize(
    ("url", "client"),
    [
        ("http://localhost:8080/", "192.0.2.1"),
        ("http://unknown.example/", "127.0.0.1"),
        ("http://other.localhost/", "127.0.0.1"),
        ("http://localhost:8080/sign-in", "127.0.0.1"),
    ],
)
async def test_only_local_visitors_see_the_hosts(
    services: Services, tmp_path: Path, hosts: Path, url: str, client: str
) -> None:
    page = await visit(services, tmp_path, url, file=hosts, client=client)
    assert page.status_code == 404
    assert "north.localhost" not in page.text


async def test_in_a_cluster_there_is_no_such_page(services: Services, tmp_path: Path) -> None:
    assert (await visit(services, tmp_path, "http://localhost:8080/", file=None)).status_code == 404


def test_the_hosts_are_those_of_the_database(urls: Urls, msp_setup: MspSetup, tmp_path: Path) -> None:
    file = tmp_path / "hosts.json"
    write_hosts(urls.owner, file)
    assert msp_setup.host in msgspec.json.decode(file.read_bytes())
    assert file.stat().st_mode & 0o777 == 0o600
