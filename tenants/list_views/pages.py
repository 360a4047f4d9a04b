"""Page of a member's saved views, and the form above each list that saves one."""

from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures.multi_dicts import FormMultiDict
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Template

from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.flash import done_cookies
from foundation.web.render import HEADERS, redirect_to, render_page
from foundation.web.saved_views import column_names
from tenants.access import Access
from tenants.auth.redirects import safe_next
from tenants.list_views.manage import choose_default, delete_view, save_view
from tenants.list_views.queries import OWN, SHARE, list_views
from tenants.list_views.routes import own_member
from tenants.list_views.schemas import LONGEST_NAME, ListViewInput, ListViewItem
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/list-views", "/clients/{client:str}/list-views"]
_ONE: Final = [f"{path}/{{view_id:uuid}}" for path in _ROOTS]
_OPT: Final = {"permission": OWN}
_NOT_STORED: Final = frozenset({"sort", "columns", "view", "cursor", "select"})


@get(_ROOTS, name="list_views", opt=_OPT, include_in_schema=False)
async def list_views_page(access: OpenAccess) -> Response[Any]:
    return await _show(access)


@post(_ROOTS, opt=_OPT, include_in_schema=False)
async def save_list_view_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    """Save the filters, order and columns of a list, and return to the list with the view open."""
    form, who = await request.form(), own_member(access)
    saved: list[ListViewItem] = []
    query = str(form.get("query", "")).removeprefix("?")

    async def act() -> None:
        given = dict(parse_qsl(query, keep_blank_values=True))
        body = {
            "list": str(form.get("list", "")), "name": str(form.get("name", "")).strip(),
            "filters": {name: value for name, value in given.items() if name not in _NOT_STORED},
            "sort": given.get("sort", ""), "columns": column_names([given.get("columns", "")]),
            "shared": "shared" in form, "default": "default" in form,
        }  # fmt: skip
        view_id = _update_id(form)
        saved.append(await save_view(access.session, who, _body(body), view_id=view_id, now=access.now))

    refusal = await run_action(access.session, act())
    if refusal is not None:
        return await _show(access, refusal)
    back, view = safe_next(str(form.get("back", ""))).partition("?")[0], str(saved[0].id)
    if not back:
        return redirect_to(access, "/list-views", done=translate("Saved"))
    address = f"{back}?{query}&{urlencode({'view': view})}" if query else f"{back}?{urlencode({'view': view})}"
    return Redirect(
        _header_safe(address), status_code=303, headers=dict(HEADERS), cookies=done_cookies(translate("Saved"))
    )


@post(_ONE, opt=_OPT, include_in_schema=False)
async def change_list_view_page(request: AnyRequest, access: OpenAccess, view_id: FromPath[UUID]) -> Response[Any]:
    """Rename a view, share it, or open its list with it. Of a shared one, those who may not share set the default."""
    form, who = await request.form(), own_member(access)
    before = next((one for one in await list_views(access.session, who) if one.id == view_id), None)
    if before is None:
        raise NotFound

    async def act() -> None:
        if before.shared and not who.may(SHARE):
            await choose_default(access.session, who, view_id, wanted="default" in form)
            return
        body = msgspec.to_builtins(before) | {
            "name": str(form.get("name", "")).strip(), "shared": "shared" in form, "default": "default" in form,
        }  # fmt: skip
        wanted = _body({name: body[name] for name in ListViewInput.__struct_fields__})
        await save_view(access.session, who, wanted, view_id=view_id, now=access.now)

    refusal = await run_action(access.session, act())
    return await _show(access, refusal) if refusal else redirect_to(access, "/list-views", done=translate("Saved"))


@post([f"{path}/delete" for path in _ONE], opt=_OPT, include_in_schema=False)
async def remove_list_view_page(access: OpenAccess, view_id: FromPath[UUID]) -> Response[Any]:
    refusal = await run_action(access.session, delete_view(access.session, own_member(access), view_id, now=access.now))
    return await _show(access, refusal) if refusal else redirect_to(access, "/list-views", done=translate("Deleted"))


def _update_id(form: FormMultiDict) -> UUID | None:
    if form.get("action") != "update":
        return None
    try:
        return UUID(str(form.get("view", "")))
    except ValueError as error:
        raise NotFound from error


def _header_safe(address: str) -> str:
    """The address in ASCII without control characters, as a header needs it."""
    path, _, query = address.partition("?")
    return f"{path}?{urlencode(parse_qsl(query, keep_blank_values=True))}" if query else path


def _body(fields: dict[str, Any]) -> ListViewInput:
    """Raises: InvalidInput: malformed fields, or a name that is missing or too long."""
    try:
        return msgspec.convert(fields, ListViewInput)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            N_("Give the view a name of at most {most} characters."), params={"most": LONGEST_NAME}, field="name"
        ) from error


async def _show(access: Access, refusal: DomainError | None = None) -> Template:
    who = own_member(access)
    context = {
        "views": await list_views(access.session, who),
        "may_share": who.may(SHARE),
        "longest": LONGEST_NAME,
    }
    title = translate("Saved views")
    return render_page(access, "tenants/list_views.html", title, context, refusal=refusal)


LIST_VIEW_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_views_page, save_list_view_page, change_list_view_page, remove_list_view_page,
)  # fmt: skip
