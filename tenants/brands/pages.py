"""Pages of an MSP's brands: the editor with its preview, and the host names."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from branding import manage
from branding.brand import Brand
from branding.domain_claims import ClaimResult, record_name, verify_host, withdraw_claim
from branding.errors import InvalidTheme
from branding.image_store import read_kind, remove_image, set_image
from branding.images import ImageKind
from branding.theme import Font, Mark, Neutral, Radius, parse_theme
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.ids import new_id
from foundation.marks import N_
from foundation.outbound.dns_txt import TxtLookup
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.file_forms import FILE_BYTES
from foundation.web.fragments import DIALOG_FRAGMENT
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.brands.hosts import add_host, read_brand, remove_host
from tenants.brands.image_slots import image_slot
from tenants.brands.preview import STYLESHEET, preview_of, preview_stylesheet
from tenants.brands.schemas import TOKENS, all_tokens, typed_tokens
from tenants.brands.version import brand_version, require_brand_version
from tenants.permissions import TenantPermission
from tenants.web.brand_option import OF_BRANDS
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": TenantPermission.READ_BRANDS} | OF_BRANDS
_WRITE: Final = {"permission": TenantPermission.WRITE_BRANDS} | OF_BRANDS
_UPLOAD: Final = {**_WRITE, "files": True}
_ONE: Final = "/brands/{slug:str}"
_LABELS: Final[Mapping[str, str]] = {
    Neutral.PURE: N_("Neutral grey"),
    Neutral.COOL: N_("Cool grey"),
    Neutral.WARM: N_("Warm grey"),
    Neutral.GREEN: N_("Greenish grey"),
    Neutral.VIOLET: N_("Violet grey"),
    Radius.SQUARE: N_("Square"),
    Radius.SMALL: N_("Slightly rounded"),
    Radius.MEDIUM: N_("Rounded"),
    Radius.LARGE: N_("Very rounded"),
    Font.SYSTEM: N_("Inter"),
    Font.HUMANIST: N_("Humanist"),
    Font.GEOMETRIC: N_("Geometric"),
    Font.GROTESQUE: N_("Grotesque"),
    Font.ROUNDED: N_("Rounded letters"),
    Font.SERIF: N_("Serif"),
    Mark.TILE: N_("Tile"),
    Mark.CIRCLE: N_("Circle"),
    Mark.SHIELD: N_("Shield"),
    Mark.HEXAGON: N_("Hexagon"),
    Mark.DIAMOND: N_("Diamond"),
}
_RESULTS: Final[Mapping[str, tuple[str, str]]] = {
    ClaimResult.UNCHECKED: ("neutral", N_("Not checked yet")),
    ClaimResult.MISSING: ("warn", N_("No such record yet")),
    ClaimResult.DIFFERENT: ("warn", N_("The record has another value")),
    ClaimResult.UNREACHABLE: ("warn", N_("DNS does not answer. Try again later.")),
}
"""Kind of badge and label of a check's result."""


@get("/brands", name="brands", opt=_READ, include_in_schema=False)
async def brands_page(access: OpenAccess) -> Response[Any]:
    context = {"brands": await manage.list_brands(access.session)}
    return render_page(access, "tenants/brands.html", translate("Brands"), context)


@get("/brands/new", opt=_WRITE, include_in_schema=False)
async def new_brand_page(access: OpenAccess) -> Response[Any]:
    """The editor with the tokens of the current brand."""
    return await _editor(access, "", all_tokens(access.brand.theme) | {"name": ""})


@post("/brands/new", opt=_WRITE, include_in_schema=False)
async def create_brand_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    form = await request.form()
    slug, tokens = str(form.get("slug", "")).strip(), typed_tokens(form)
    refusal = await run_action(access.session, _create(access, slug, tokens))
    if refusal is not None:
        return await _editor(access, "", tokens, refusal, typed_slug=slug)
    return redirect_to(access, f"/brands/{slug}", done=translate("Brand created"))


@get(_ONE, name="brand", opt=_READ, include_in_schema=False)
async def brand_page(access: OpenAccess, slug: FromPath[str]) -> Response[Any]:
    brand = await manage.find_brand(access.session, slug)
    return await _editor(access, brand.slug, all_tokens(brand.theme))


@post(_ONE, opt=_WRITE, include_in_schema=False)
async def set_brand_page(request: AnyRequest, access: OpenAccess, slug: FromPath[str]) -> Response[Any]:
    await manage.find_brand(access.session, slug)
    form = await request.form()
    tokens, version = typed_tokens(form), version_in(form)
    refusal = await run_action(access.session, _change(access, slug, tokens, version))
    if refusal is not None:
        return await _editor(access, slug, tokens, refusal, version=version)
    return redirect_to(access, f"/brands/{slug}", done=translate("Brand saved"))


@post(f"{_ONE}/hosts", opt=_WRITE, include_in_schema=False)
async def add_host_page(request: AnyRequest, access: OpenAccess, slug: FromPath[str]) -> Response[Any]:
    host = str((await request.form()).get("host", "")).strip()
    adding = add_host(access.session, slug=slug, host=host, now=access.now)
    return await _change_hosts(access, slug, adding, translate("Domain added"), typed=host)


@post(f"{_ONE}/hosts/{{host:str}}/remove", opt=_WRITE | STEP_UP, include_in_schema=False)
async def remove_host_page(access: OpenAccess, slug: FromPath[str], host: FromPath[str]) -> Response[Any]:
    removing = remove_host(access.session, slug=slug, host=host, now=access.now)
    return await _change_hosts(access, slug, removing, translate("Domain removed"))


@post(f"{_ONE}/hosts/{{host:str}}/withdraw", opt=_WRITE, include_in_schema=False)
async def withdraw_host_page(access: OpenAccess, slug: FromPath[str], host: FromPath[str]) -> Response[Any]:
    withdrawing = withdraw_claim(access.session, slug=slug, host=host)
    return await _change_hosts(access, slug, withdrawing, translate("Domain removed"))


@post(f"{_ONE}/images/{{kind:str}}", opt=_UPLOAD, include_in_schema=False, request_max_body_size=FILE_BYTES)
async def set_image_page(
    request: AnyRequest, access: OpenAccess, slug: FromPath[str], kind: FromPath[str]
) -> Response[Any]:
    file = (await request.form()).get("file")
    content = file if isinstance(file, bytes) else b""
    setting = set_image(access.session, slug=slug, kind=read_kind(kind), content=content, now=access.now)
    return await _change_images(access, slug, kind, setting, translate("Image saved"))


@post(f"{_ONE}/images/{{kind:str}}/remove", opt=_WRITE, include_in_schema=False)
async def remove_image_page(access: OpenAccess, slug: FromPath[str], kind: FromPath[str]) -> Response[Any]:
    removing = remove_image(access.session, slug=slug, kind=read_kind(kind), now=access.now)
    return await _change_images(access, slug, kind, removing, translate("Image removed"))


@get("/brand-preview", opt=_READ | DIALOG_FRAGMENT, include_in_schema=False)
async def preview_brand(request: AnyRequest, access: OpenAccess) -> Template:
    """The editor's preview, of the tokens in the query. An invalid token is named in place of the preview."""
    tokens = typed_tokens(request.query_params)
    brand = await manage.try_find_brand(access.session, request.query_params.get("brand", ""))
    context: dict[str, object]
    try:
        context = {"preview": preview_of(parse_theme(tokens), tokens, brand)}
    except InvalidTheme as refusal:
        context = {"preview": None, "problem": refusal}
    return render_page(access, "tenants/brand_preview.html", "", context)


@get(STYLESHEET, opt=_READ, include_in_schema=False)
async def preview_stylesheet_file(request: AnyRequest, access: OpenAccess) -> Response[str]:  # noqa: ARG001
    """Raises: InvalidTheme."""
    css = preview_stylesheet(parse_theme(typed_tokens(request.query_params)))
    return Response(css, media_type="text/css", headers={"Cache-Control": "no-store"})


def build_brand_pages(lookup: TxtLookup) -> tuple[HTTPRouteHandler, ...]:
    @post(f"{_ONE}/hosts/{{host:str}}/verify", opt=_WRITE, include_in_schema=False)
    async def verify_host_page(access: OpenAccess, slug: FromPath[str], host: FromPath[str]) -> Response[Any]:
        verified: list[bool] = []

        async def verify() -> None:
            verified.append(await verify_host(access.session, lookup, slug=slug, host=host, now=access.now))

        refusal = await run_action(access.session, verify())
        if refusal is not None:
            return await _editor(
                access, slug, all_tokens((await manage.find_brand(access.session, slug)).theme), refusal
            )
        done = translate("Domain verified") if verified[0] else ""
        return redirect_to(access, f"/brands/{slug}#domains", done=done)

    return (
        brands_page,
        new_brand_page,
        create_brand_page,
        brand_page,
        set_brand_page,
        add_host_page,
        remove_host_page,
        withdraw_host_page,
        verify_host_page,
        set_image_page,
        remove_image_page,
        preview_brand,
        preview_stylesheet_file,
    )


async def _create(access: Access, slug: str, tokens: Mapping[str, str]) -> None:
    """Raises: InvalidInput: the short name is used already."""
    if await manage.try_find_brand(access.session, slug):
        raise InvalidInput(N_("There is a brand with this short name already."), field="slug")
    await _set(access, slug, tokens)


async def _change(access: Access, slug: str, tokens: Mapping[str, str], version: str) -> None:
    await require_brand_version(access.session, slug, version)
    await _set(access, slug, tokens)


async def _set(access: Access, slug: str, tokens: Mapping[str, str]) -> None:
    await manage.set_brand(access.session, slug=slug, theme=parse_theme(dict(tokens)), now=access.now, new_id=new_id)


async def _change_hosts(
    access: Access, slug: str, change: Awaitable[object], done: str, *, typed: str = ""
) -> Response[Any]:
    refusal = await run_action(access.session, change)
    if refusal is not None:
        brand = await manage.find_brand(access.session, slug)
        return await _editor(access, slug, all_tokens(brand.theme), refusal, host=typed)
    return redirect_to(access, f"/brands/{slug}#domains", done=done)


async def _editor(  # noqa: PLR0913 - the parts of one page
    access: Access,
    slug: str,
    tokens: Mapping[str, str],
    refusal: DomainError | None = None,
    *,
    typed_slug: str = "",
    host: str = "",
    kind: str = "",
    version: str = "",
) -> Template:
    """The editor of the brand `slug`, or of a new one. `refusal` is of the image `kind`, if one was uploaded. `version`
    is that of a form which was refused.
    """
    found = await read_brand(access.session, slug) if slug else None
    extra = {} if refusal is None else refusal.extra
    field = str(extra.get("token") or extra.get("field") or ("host" if "host" in extra else "name"))
    field = f"file-{kind}" if kind else field
    context = {
        "slug": slug,
        "typed_slug": typed_slug,
        "typed_host": host,
        "tokens": tokens,
        "version": version or brand_version(found.brand if found else None),
        "hosts": found.hosts if found else (),
        "claims": found.claims if found else (),
        "record_name": record_name,
        "results": _RESULTS,
        "choices": {kind.__name__.lower(): _choices(kind) for kind in (Neutral, Radius, Font, Mark)},
        "errors": dict.fromkeys((*TOKENS, "slug", "host"), "") | ({field: refusal.detail} if refusal else {}),
        "summary": [(field, refusal.detail)] if refusal else [],
        "preview": _preview(tokens, found.brand if found else None),
        "images": [image_slot(found.brand.images, kind) for kind in ImageKind] if found else (),
        "image_problems": {kind: refusal.detail} if refusal and kind else {},
    }
    title = tokens["name"] if slug else translate("Add a brand")
    return render_page(access, "tenants/brand.html", title, context, refusal=refusal)


async def _change_images(access: Access, slug: str, kind: str, change: Awaitable[object], done: str) -> Response[Any]:
    refusal = await run_action(access.session, change)
    if refusal is not None:
        brand = await manage.find_brand(access.session, slug)
        return await _editor(access, slug, all_tokens(brand.theme), refusal, kind=kind)
    return redirect_to(access, f"/brands/{slug}#images", done=done)


def _preview(tokens: Mapping[str, str], brand: Brand | None) -> Any:
    try:
        return preview_of(parse_theme(dict(tokens)), tokens, brand)
    except InvalidTheme:
        return None


def _choices(kind: type[Neutral | Radius | Font | Mark]) -> list[tuple[str, str]]:
    return [(str(one), translate(_LABELS[one])) for one in kind]
