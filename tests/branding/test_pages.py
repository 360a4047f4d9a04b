"""Generated files of a brand as sent to browsers."""

from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar, Request, Response
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from litestar.testing import AsyncTestClient

from branding.directory import BrandDirectory
from branding.image_store import image_reader
from branding.pages import build_pages, provide_brand
from foundation.clock import Clock
from foundation.database.engine import Database
from foundation.errors import NotFound
from tests.branding.pages import NOW, environment, read
from tests.branding.test_brands import movable_clock, msp_setup, publish, some_host, some_theme


def app_for(database: Database, clock: Clock, directory: BrandDirectory | None = None) -> Litestar:
    def not_found(_: Request[Any, Any, Any], refusal: NotFound) -> Response[str]:
        return Response(refusal.detail, status_code=404)

    directory = directory or BrandDirectory(database, clock, ttl=timedelta(0))
    return Litestar(
        build_pages(clock, image_reader(database), directory),
        dependencies={"brand": provide_brand(directory)},
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment())),
        exception_handlers={NotFound: not_found},
        openapi_config=None,
    )


class TestBrandFiles:
    async def test_each_host_has_its_own_stylesheet(self, db: Database) -> None:
        one, other = some_host(), some_host()
        await publish(db, msp_setup(), one)
        await publish(db, msp_setup(), other, some_theme("Saffron", accent="#f59e0b"))
        async with AsyncTestClient(app_for(db, lambda: NOW)) as client:
            for host, name in ((one, "Northwind"), (other, "Saffron")):
                page = await client.get("/design", headers={"host": host})
                assert page.status_code == 200
                assert f"<title>Design · {name}</title>" in page.text
                links = [link.attrs["href"] for link in read(page.text).every("link")]
                files = [await client.get(link, headers={"host": host}) for link in links if link.startswith("/brand/")]
                assert [file.headers["content-type"].partition(";")[0] for file in files] == [
                    "image/svg+xml",
                    "text/css",
                ]
                assert all("immutable" in file.headers["cache-control"] for file in files)

    async def test_an_outdated_address_serves_the_current_stylesheet_uncached(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host, slug="main")
        async with AsyncTestClient(app_for(db, lambda: NOW)) as client:
            answer = await client.get("/brand/main-0123456789abcdef.css", headers={"host": host})
        assert answer.status_code == 200
        assert "--accent:" in answer.text
        assert answer.headers["cache-control"] == "no-cache"

    async def test_the_stylesheet_of_a_change_by_another_process_is_served_before_the_ttl(self, db: Database) -> None:
        scope, host = msp_setup(), some_host()
        await publish(db, scope, host)
        clock, forward = movable_clock()
        directory = BrandDirectory(db, clock)
        before = (await directory.for_host(host)).stylesheet
        await publish(db, scope, host, some_theme(accent="#7c2d92"))
        newest = (await BrandDirectory(db, clock).for_host(host)).stylesheet
        assert newest.path != before.path
        forward(2)
        async with AsyncTestClient(app_for(db, clock, directory)) as client:
            answer = await client.get(newest.path, headers={"host": host})
        assert (answer.text, "immutable" in answer.headers["cache-control"]) == (newest.content, True)

    @pytest.mark.parametrize(
        "path", ["/brand/other-0123.css", "/brand/main-0123.js", "/brand/main", "/brand/..%2fapp.css", "/brand/"]
    )
    async def test_other_addresses_are_not_found(self, db: Database, path: str) -> None:
        host = some_host()
        await publish(db, msp_setup(), host)
        async with AsyncTestClient(app_for(db, lambda: NOW)) as client:
            assert (await client.get(path, headers={"host": host})).status_code == 404

    async def test_an_unknown_host_gets_nothing(self, db: Database) -> None:
        async with AsyncTestClient(app_for(db, lambda: NOW)) as client:
            for path in ("/design", "/brand/main-0123.css"):
                assert (await client.get(path, headers={"host": "nobody.example"})).status_code == 404

    async def test_a_boosted_response_has_a_vary_header(self, db: Database) -> None:
        host = some_host()
        await publish(db, msp_setup(), host)
        headers = {"host": host, "hx-request": "true", "hx-boosted": "true"}
        async with AsyncTestClient(app_for(db, lambda: NOW)) as client:
            answer = await client.get("/design", headers=headers)
        assert answer.text.startswith("<title>")
        assert answer.headers["vary"] == "HX-Request, HX-Boosted"
