"""Pages of a client's own parts of the brand: the editor with its preview, and the images."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Template

from branding.brand import Brand
from branding.client_brands import (
    ClientBrand,
    read_client_brand,
    remove_client_image,
    set_client_image,
    set_parts,
)
from branding.client_parts import PARTS, merge_theme, parse_parts
from branding.colour import contrast
from branding.errors import InvalidTheme
from branding.image_store import read_kind
from branding.images import ImageKind
from branding.theme import parse_theme
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.file_forms import FILE_BYTES
from foundation.web.fragments import FRAGMENT
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.brands.image_slots import image_slot
from tenants.brands.preview import Preview, preview_stylesheet
from tenants.brands.schemas import all_tokens, typed_tokens
from tenants.client_brands.schemas import OWN_ACCENT, own_parts, typed_parts
from tenants.client_brands.version import client_brand_version, require_client_brand_version
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": TenantPermission.READ_BRANDS}
_WRITE: Final = {"permission": TenantPermission.WRITE_BRANDS}
_UPLOAD: Final = {**_WRITE, "files": True}
_ROOT: Final = "/clients/{client:str}/brand"
_STYLESHEET: Final = "/brand/preview.css"


@get(_ROOT, name="client-brand", opt=_READ, include_in_schema=False)
async def show_client_brand_page(access: OpenAccess) -> Response[Any]:
    own = await read_client_brand(access.session)
    return _editor(access, own, own_parts(own.parts))


@post(_ROOT, opt=_WRITE, include_in_schema=False)
async def set_client_brand_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    form = await request.form()
    typed, version = typed_parts(form), version_in(form)
    refusal = await run_action(access.session, _set(access, typed, version))
    if refusal is not None:
        return _editor(access, await read_client_brand(access.session), typed, refusal, version=version)
    return redirect_to(access, "/brand", done=translate("Brand saved"))


@post(f"{_ROOT}/images/{{kind:str}}", opt=_UPLOAD, include_in_schema=False, request_max_body_size=FILE_BYTES)
async def set_client_image_page(request: AnyRequest, access: OpenAccess, kind: FromPath[str]) -> Response[Any]:
    file = (await request.form()).get("file")
    content = file if isinstance(file, bytes) else b""
    setting = set_client_image(access.session, kind=read_kind(kind), content=content, now=access.now)
    return await _change_images(access, kind, setting, translate("Image saved"))


@post(f"{_ROOT}/images/{{kind:str}}/remove", opt=_WRITE, include_in_schema=False)
async def remove_client_image_page(access: OpenAccess, kind: FromPath[str]) -> Response[Any]:
    removing = remove_client_image(access.session, kind=read_kind(kind), now=access.now)
    return await _change_images(access, kind, removing, translate("Image removed"))


@get(f"{_ROOT}/preview", opt=_READ | FRAGMENT, include_in_schema=False)
async def preview_client_brand(request: AnyRequest, access: OpenAccess) -> Template:
    """The editor's preview, of the parts in the query. An invalid part is named in place of the preview."""
    own = await read_client_brand(access.session)
    context: dict[str, object]
    try:
        context = {"preview": _preview(access, own, typed_parts(request.query_params))}
    except InvalidTheme as refusal:
        context = {"preview": None, "problem": refusal}
    return render_page(access, "tenants/brand_preview.html", "", context)


@get("/clients/{client:str}" + _STYLESHEET, opt=_READ, include_in_schema=False)
async def preview_client_stylesheet(request: AnyRequest, access: OpenAccess) -> Response[str]:  # noqa: ARG001
    """Raises: InvalidTheme."""
    css = preview_stylesheet(parse_theme(typed_tokens(request.query_params)))
    return Response(css, media_type="text/css", headers={"Cache-Control": "no-store"})


async def _set(access: Access, typed: Mapping[str, str], version: str) -> None:
    """Raises: InvalidTheme, PreconditionFailed."""
    await require_client_brand_version(access.session, version)
    await set_parts(access.session, parse_parts(dict(typed)), now=access.now)


async def _change_images(access: Access, kind: str, change: Awaitable[object], done: str) -> Response[Any]:
    refusal = await run_action(access.session, change)
    if refusal is not None:
        own = await read_client_brand(access.session)
        return _editor(access, own, own_parts(own.parts), refusal, kind=kind)
    return redirect_to(access, "/brand#images", done=done)


def _editor(  # noqa: PLR0913 - the parts of one page
    access: Access,
    own: ClientBrand,
    parts: Mapping[str, str],
    refusal: DomainError | None = None,
    *,
    kind: str = "",
    version: str = "",
) -> Template:
    """The editor. `refusal` is of the image `kind`, if one was uploaded. `version` is that of a form which was
    refused.
    """
    theirs: Brand = access.brand.of_msp
    extra = {} if refusal is None else refusal.extra
    field = f"file-{kind}" if kind else str(extra.get("token") or "name")
    try:
        preview = _preview(access, own, parts)
    except InvalidTheme:
        preview = None
    context = {
        "parts": parts,
        "version": version or client_brand_version(own),
        "theirs": theirs.theme,
        "own_accent": OWN_ACCENT,
        "errors": dict.fromkeys(PARTS, "") | ({field: refusal.detail} if refusal else {}),
        "summary": [(field, refusal.detail)] if refusal else [],
        "preview": preview,
        "images": [image_slot(own.images, one, of_client=True) for one in ImageKind],
        "image_problems": {kind: refusal.detail} if refusal and kind else {},
    }
    return render_page(access, "tenants/client_brand.html", translate("Brand"), context, refusal=refusal)


def _preview(access: Access, own: ClientBrand, typed: Mapping[str, str]) -> Preview:
    """Raises: InvalidTheme."""
    parts = parse_parts(dict(typed))
    theme = merge_theme(access.brand.of_msp.theme, parts)
    return Preview(
        theme=theme,
        signature=ClientBrand(parts, own.images).over(access.brand.of_msp).signature,
        stylesheet=f"{access.root}{_STYLESHEET}?{urlencode(all_tokens(theme))}",
        ratio=contrast(theme.accent, theme.accent_text),
    )


CLIENT_BRAND_PAGES: Final = (
    show_client_brand_page,
    set_client_brand_page,
    set_client_image_page,
    remove_client_image_page,
    preview_client_brand,
    preview_client_stylesheet,
)
