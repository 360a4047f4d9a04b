"""A brand's generated files, and the design page with every component."""

from collections.abc import Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from branding.brand import Brand, BrandFile, default_brand
from branding.design import design_context, design_page
from branding.directory import BrandDirectory
from branding.shell import is_boosted
from foundation.clock import Clock
from foundation.errors import NotFound
from foundation.web.boundary import header_text

ShownBrand = NamedDependency[Brand]
"""Handler parameter `brand`, filled by `provide_brand`."""

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def provide_brand(directory: BrandDirectory) -> Provide:
    """Provider of the application's dependency `brand`: the brand of the request's host, else 404.

    Files of the default brand are served on every host: its error pages and the start page of an installation use them.
    """
    default = default_brand()
    files = {default.stylesheet.path, default.icon.path}

    async def brand(request: Request[Any, Any, Any]) -> Brand:
        if request.scope["path"] in files:
            return default
        return await directory.for_host(header_text(request.scope, b"host"))

    return Provide(brand)


@get("/brand/{name:str}", name="brand_file", opt={"public": True}, include_in_schema=False)
async def show_brand_file(name: FromPath[str], brand: ShownBrand) -> Response[str]:
    """A brand's file. An address with an outdated hash gets the current file, so that open pages keep their style."""
    for file in (brand.stylesheet, brand.icon):
        if file.path == f"/brand/{name}":
            return _answer(file, _FOR_EVER)
    for file in (brand.stylesheet, brand.icon):
        if name.startswith(f"{brand.slug}-") and name.rpartition(".")[2] == file.path.rpartition(".")[2]:
            return _answer(file, _ASK_AGAIN)
    raise NotFound


def _answer(file: BrandFile, caching: str) -> Response[str]:
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": caching})


def build_pages(clock: Clock) -> Sequence[HTTPRouteHandler]:
    @get("/design", name="design", opt={"public": True}, include_in_schema=False)
    async def show_design_page(request: Request[Any, Any, Any], brand: ShownBrand) -> Template:
        page = design_page(brand, clock(), boosted=is_boosted(request.headers))
        return Template("design.html", context=dict(design_context(page)), headers={"Vary": "HX-Request, HX-Boosted"})

    return [show_brand_file, show_design_page]
