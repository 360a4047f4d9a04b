"""Page of an MSP's retention defaults: periods, clients that keep longer, the preview of a change, legal holds."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.retention import find_class
from foundation.web.actions import run_action
from foundation.web.parameters import one_of
from foundation.web.render import redirect_to
from governance.permissions import GovernancePermission
from governance.retention.change_policy import check_default, set_default
from governance.retention.defaults.fleet_plan import (
    MOST_HOLDS,
    MOST_PREVIEWED,
    ClientName,
    list_accounts,
    preview_default,
    read_fleet_retention,
)
from governance.retention.form import days_of, text_of
from governance.retention.plan import list_defaults
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_RETENTION, "fleet": True}
_WRITE: Final = {"permission": GovernancePermission.WRITE_RETENTION, "fleet": True}
_ROOT: Final = "/retention"
AnyRequest = Request[Any, Any, Any]


def build_default_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    classes = services.retained

    async def render(
        access: Access, accounts: Sequence[ClientName], form: Mapping[str, Any], refusal: DomainError | None = None
    ) -> Response[Any]:
        """`form` holds the default to preview, as typed."""
        await access.enter_home()
        defaults = await list_defaults(access.session, classes)
        fleet = await read_fleet_retention(access.session, access.enter_account, accounts=accounts, defaults=defaults)
        chosen = find_class(classes, text_of(form, "data_class"))
        preview, proposed = None, None
        if "keep_days" in form and refusal is None:
            try:
                days = days_of(form)
                if chosen is not None:
                    proposed = check_default(chosen, days)
                    preview = await preview_default(
                        access.session, access.enter_account, accounts=accounts, data_class=chosen,
                        keep_days=proposed, now=access.now,
                    )  # fmt: skip
            except InvalidInput as unclear:
                refusal = unclear
        context = {
            "defaults": defaults,
            "holds_of": {one.name: one.holds for one in classes},
            "titles": {one.name: one.title for one in classes},
            "fleet": fleet,
            "chosen": chosen,
            "typed": text_of(form, "keep_days"),
            "proposed": proposed,
            "preview": preview,
            "most_previewed": MOST_PREVIEWED,
            "most_holds": MOST_HOLDS,
        }
        return render_page(access, "retention_defaults.html", translate("Retention"), context, refusal=refusal)

    names = Annotated[str, one_of(("", *(one.name for one in classes)))]

    @get(_ROOT, name="retention_defaults", opt=_READ, include_in_schema=False)
    async def list_retention_defaults_page(
        access: OpenAccess,
        data_class: names = "",
        keep_days: FromQuery[str | None] = None,
    ) -> Response[Any]:
        form = {"data_class": data_class} | ({} if keep_days is None else {"keep_days": keep_days})
        return await render(access, await list_accounts(access.session), form)

    @post(f"{_ROOT}/defaults", opt=_WRITE | STEP_UP, include_in_schema=False)
    async def set_retention_default_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        form, accounts = await request.form(), await list_accounts(access.session)
        await access.enter_home()
        try:
            keep_days = days_of(form)
        except InvalidInput as unclear:
            return await render(access, accounts, form, unclear)
        name = text_of(form, "data_class")
        refusal = await run_action(
            access.session, set_default(access.session, classes, name, keep_days, now=access.now)
        )
        if refusal is not None:
            return await render(access, accounts, form, refusal)
        return redirect_to(access, _ROOT, done=translate("Default saved"))

    return (list_retention_defaults_page, set_retention_default_page)
