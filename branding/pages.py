"""A brand's files, generated and uploaded, and the design page with every component."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from branding.brand import Brand, BrandFile, default_brand
from branding.client_brands import ClientImageReader
from branding.client_parts import FILES, generated_file
from branding.design import design_context, design_page
from branding.directory import BrandDirectory
from branding.image_store import HASH_DIGITS, ImageReader, kind_of
from branding.images import MEDIA_TYPE
from branding.shell import is_boosted
from foundation.clock import Clock
from foundation.errors import NotFound
from foundation.web.boundary import header_text

ShownBrand = NamedDependency[Brand]
"""Handler parameter `brand`, filled by `provide_brand`."""

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_NEWEST = timedelta(seconds=1)
"""Greatest age of a cached brand for requests with another hash: they cost at most one query a second."""
_IMAGE_POLICY = "default-src 'none'; sandbox"
"""An image opened by its own address runs and loads nothing."""


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


def brand_file_page(read: ImageReader, directory: BrandDirectory) -> HTTPRouteHandler:
    @get("/brand/{name:str}", name="brand_file", opt={"public": True}, include_in_schema=False)
    async def show_brand_file(
        request: Request[Any, Any, Any], name: FromPath[str], brand: ShownBrand
    ) -> Response[str] | Response[bytes]:
        """A brand's file. An address with an outdated hash gets the current file, so that open pages keep their
        style; a newer hash comes from a page of another process that has read the changed brand already.
        """
        host = header_text(request.scope, b"host")
        if (kind := kind_of(name, brand.slug)) is not None:
            return _image_answer(name, await read(host, brand, kind))
        is_known = f"/brand/{name}" in (brand.stylesheet.path, brand.icon.path)
        if not is_known and brand.msp_id is not None and name.startswith(f"{brand.slug}-"):
            brand = await directory.for_host(host, ttl=_NEWEST)
        for file in (brand.stylesheet, brand.icon):
            if file.path == f"/brand/{name}":
                return _answer(file, _FOR_EVER)
        for file in (brand.stylesheet, brand.icon):
            if name.startswith(f"{brand.slug}-") and name.rpartition(".")[2] == file.path.rpartition(".")[2]:
                return _answer(file, _ASK_AGAIN)
        raise NotFound

    return show_brand_file


def _answer(file: BrandFile, caching: str) -> Response[str]:
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": caching})


def _image_answer(name: str, content: bytes | None) -> Response[bytes]:
    """Raises: NotFound: there is no such image, or no longer."""
    if content is None:
        raise NotFound
    digest = hashlib.sha256(content).hexdigest()
    is_asked = name.endswith(f"-{digest[:HASH_DIGITS]}.png")
    headers = {
        "Cache-Control": _FOR_EVER if is_asked else _ASK_AGAIN,
        "Content-Security-Policy": _IMAGE_POLICY,
        "Content-Disposition": "inline",
        "ETag": f'"{digest[:32]}"',
    }
    return Response(content, media_type=MEDIA_TYPE, headers=headers)


def client_file_page(read: ClientImageReader) -> HTTPRouteHandler:
    @get("/client-brand/{name:str}", name="client_brand_file", opt={"public": True}, include_in_schema=False)
    async def show_client_brand_file(
        request: Request[Any, Any, Any], name: FromPath[str]
    ) -> Response[str] | Response[bytes]:
        """An uploaded image of a client by its hash, or a file that follows from the tokens in the query."""
        if name.endswith(".png"):
            return _image_answer(f"-{name}", await read(header_text(request.scope, b"host"), name.removesuffix(".png")))
        file = generated_file(name, request.query_params)
        if file is None:
            raise NotFound
        return _answer(file, _FOR_EVER if file.path.startswith(f"{FILES}/{name}?") else _ASK_AGAIN)

    return show_client_brand_file


def build_pages(clock: Clock, read: ImageReader, directory: BrandDirectory) -> Sequence[HTTPRouteHandler]:
    @get("/design", name="design", opt={"public": True}, include_in_schema=False)
    async def show_design_page(request: Request[Any, Any, Any], brand: ShownBrand) -> Template:
        page = design_page(brand, clock(), boosted=is_boosted(request.headers))
        return Template("design.html", context=dict(design_context(page)), headers={"Vary": "HX-Request, HX-Boosted"})

    return [brand_file_page(read, directory), show_design_page]
