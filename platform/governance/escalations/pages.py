"""Page of the escalation ladder: of an MSP for all its clients, or of one client."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.render import redirect_to
from governance.escalations.draw import ladder_choices
from governance.escalations.form import FIELDS, Row, parse_rows, rows_of, typed_rows, with_blanks
from governance.escalations.ladder import load_ladder, reset_ladder, save_ladder
from governance.escalations.permissions import EscalationPermission
from governance.escalations.read_ladder import preview_steps, read_ladder
from governance.escalations.routes import index_of
from governance.escalations.schemas import EscalationStepView, EscalationSubject
from governance.escalations.version import read_ladder_version, require_ladder_version
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_ROOTS: Final = ["/escalations", "/clients/{client:str}/escalations"]
_READ: Final = {"permission": EscalationPermission.READ_LADDER}
_WRITE: Final = {"permission": EscalationPermission.WRITE_LADDER}


def build_ladder_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @get(_ROOTS, name="escalations", opt=_READ, include_in_schema=False)
    async def show_ladder_page(access: OpenAccess) -> Response[Any]:
        return await _page(services, access, rows_of((await load_ladder(access.session)).steps))

    @post(_ROOTS, opt=_WRITE, include_in_schema=False)
    async def change_ladder_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        """Save, return to the inherited ladder, or show what is open at each typed step."""
        form = await request.form()
        columns = [[str(one) for one in form.getall(name, [])] for name in FIELDS]
        rows, action, version = typed_rows(columns), str(form.get("action", "")), version_in(form)
        previewed: Sequence[EscalationStepView] = ()

        async def act() -> None:
            nonlocal previewed
            if action != "preview":
                await require_ladder_version(access.session, version)
            if action == "reset":
                await reset_ladder(access.session, now=access.now)
            elif action == "preview":
                previewed = await preview_steps(access, await index_of(services, access), parse_rows(rows))
            else:
                await save_ladder(
                    access.session, parse_rows(rows), index=await index_of(services, access), now=access.now
                )

        refusal = await run_action(access.session, act())
        if refusal is not None or action == "preview":
            return await _page(services, access, rows, refusal, previewed=previewed, version=version)
        return redirect_to(access, "/escalations", done=translate("Saved"))

    return (show_ladder_page, change_ladder_page)


async def _page(  # noqa: PLR0913 - the parts of one page
    services: GovernanceServices,
    access: Access,
    rows: Sequence[Row],
    refusal: DomainError | None = None,
    *,
    previewed: Sequence[EscalationStepView] = (),
    version: str = "",
) -> Response[Any]:
    index = await index_of(services, access)
    found = await read_ladder(access, index)
    context = {
        "ladder": found,
        "rows": with_blanks(rows),
        "version": version or await read_ladder_version(access.session),
        "previewed": previewed,
        **ladder_choices(index, of_msp=access.client is None),
        "subject_labels": {str(one): translate(one.label) for one in EscalationSubject},
        "time_of": lambda step: timedelta(minutes=step.after_minutes),
        "is_msp": access.client is None,
    }
    return render_page(access, "escalations.html", translate("Escalation"), context, refusal=refusal)
