"""Pages of the template that a client follows: differences, changes of the newest version, and items that the client
keeps.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from governance.onboarding.client_templates.apply import ApplyResult, apply_version, set_kept
from governance.onboarding.client_templates.from_client import read_version
from governance.onboarding.client_templates.queries import compare_content, compare_use
from governance.onboarding.client_templates.rights import readable_parts
from governance.onboarding.client_templates.schemas import TemplateUseView
from governance.onboarding.client_templates.states import DRIFTING
from governance.onboarding.client_templates.store import StoredUse, StoredVersion, find_use, list_options, load_version
from governance.onboarding.client_templates.views import summarize, write_items
from governance.onboarding.permissions import OnboardingPermission
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": OnboardingPermission.READ_TEMPLATES}
_APPLY: Final = {"permission": OnboardingPermission.APPLY_TEMPLATE}
_ROOT: Final = "/clients/{client:str}/template"
STATE_KINDS: Final = {
    "same": ("ok", "check-circle"),
    "differs": ("warn", "diff"),
    "missing": ("warn", "minus"),
    "waiting": ("info", "clock"),
    "applying": ("info", "clock"),
    "failed": ("bad", "x-circle"),
    "later": ("info", "clock"),
    "locked": ("neutral", "policy"),
    "kept": ("neutral", "flag"),
}
"""Kind and icon of a state's badge."""


@get(_ROOT, name="client-template", opt=_READ, include_in_schema=False)
async def show_client_template_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    """The template that the client follows; with `choose`, the changes that another would make."""
    return await _page(access, choose=str(request.query_params.get("choose", "")))


@post(f"{_ROOT}/items", opt=_APPLY, include_in_schema=False)
async def keep_item_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    form = await request.form()
    keep = form.get("keep") == "yes"
    await set_kept(access.session, str(form.get("key", "")), keep=keep, now=access.now)
    return redirect_to(access, "/template", done=translate("Kept") if keep else translate("Follows the template again"))


def build_client_template_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(_ROOT, opt=_APPLY, include_in_schema=False)
    async def apply_template_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        """Apply a template, or pull its newest version; the chosen items are kept as the client has them."""
        form = await request.form()
        typed, keep = str(form.get("template_id", "")), [str(one) for one in form.getall("keep", [])]
        try:
            version = await _chosen(access, typed)
        except InvalidInput as wrong:
            return await _page(access, refusal=wrong)
        done: list[ApplyResult] = []

        async def apply() -> None:
            done.append(
                await apply_version(
                    access.session, version, registry=services.runtime.registry,
                    keep=None if form.get("again") else keep, now=access.now, new_id=services.new_id,
                )
            )  # fmt: skip

        refusal = await run_action(access.session, apply())
        if refusal is not None:
            return await _page(access, refusal=refusal, choose=typed)
        return redirect_to(access, "/template", done=_said(done[0]))

    return (show_client_template_page, apply_template_page, keep_item_page)


async def _chosen(access: Access, typed: str) -> StoredVersion:
    """The newest version of the typed template. Raises InvalidInput."""
    try:
        return await read_version(access, UUID(typed))
    except (ValueError, NotFound):
        raise InvalidInput(N_("Choose one of the templates."), field="template_id") from None


def _said(result: ApplyResult) -> str:
    if result.refused:
        return translate(N_("Applied, but not all: {problem}"), problem=result.refused[0].detail)
    if result.drafted:
        return translate("Applied. The rules are in the policy's draft.")
    return translate("Applied. Plan and prices follow within a minute.") if result.later else translate("Applied")


async def _page(access: Access, *, choose: str = "", refusal: DomainError | None = None) -> Response[Any]:
    client, used = access.require_client(), await find_use(access.session)
    await access.enter_fleet()
    options = await list_options(access.session)
    newest: StoredVersion | None = None
    if choose and any(choose == one for one, _ in options):
        newest = await load_version(access.session, UUID(choose))
    elif used is not None and any(str(used.template_id) == one for one, _ in options):
        newest = await load_version(access.session, used.template_id)
    await access.enter_account(client.tenant_id)
    context: Mapping[str, object] = {
        "options": options,
        "choose": choose,
        "kinds": STATE_KINDS,
        "use": used and await _use(access, used, used.version if newest is None else newest.latest),
        "offer": await _offer(access, newest, () if used is None else used.kept, is_wanted=_is_news(used, newest)),
        "newest": newest,
        "refused": refusal,
        "drifting": DRIFTING,
    }
    return render_page(access, "client_template_use.html", translate("Template"), context, refusal=refusal)


async def _use(access: Access, used: StoredUse, latest: int) -> TemplateUseView:
    client = access.require_client().slug
    view = await compare_use(access.session, used, client=client, latest=latest, now=access.now)
    return msgspec.structs.replace(view, items=readable_parts(access, view.items))


def _is_news(used: Any, newest: StoredVersion | None) -> bool:
    """Whether the page shows the changes of `newest` beside the followed version."""
    if newest is None:
        return False
    return used is None or (newest.template_id, newest.version) != (used.template_id, used.version)


async def _offer(
    access: Access, newest: StoredVersion | None, kept: Any, *, is_wanted: bool
) -> dict[str, object] | None:
    if newest is None or not is_wanted:
        return None
    items = await compare_content(access.session, newest.content, kept, now=access.now)
    shown = readable_parts(access, await write_items(access.session, items))
    return {"items": shown, "summary": summarize(items, newest.version)}
