"""Page of retention: periods, the next deletions, legal holds and past deletions."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Template

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.web.actions import run_action
from foundation.web.etags import version_in
from foundation.web.lists import LONGEST_TEXT
from foundation.web.render import redirect_to
from governance.permissions import GovernancePermission
from governance.retention.change_policy import place_hold, release_hold, set_policy
from governance.retention.form import days_of, text_of
from governance.retention.lists import PURGES
from governance.retention.plan import plan_retention
from governance.retention.schemas import NewHold, NewPolicy
from governance.retention.version import read_policies_version, require_policies_version
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page

_READ: Final = {"permission": GovernancePermission.READ_RETENTION}
_WRITE: Final = {"permission": GovernancePermission.WRITE_RETENTION}
_ROOT: Final = "/clients/{client:str}/retention"
AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class RefusedInput:
    """The submitted form and its dialog, shown again beside the error."""

    dialog: str
    form: Mapping[str, Any]


def build_retention_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    classes = services.retained

    async def render(
        access: Access, refusal: DomainError | None = None, refused: RefusedInput | None = None
    ) -> Template:
        sent = version_in(refused.form) if refused else ""
        view = await plan_retention(access.session, classes, now=access.now)
        context = {
            "view": view,
            "version": sent or await read_policies_version(access.session),
            "titles": {one.name: one.title for one in view.classes},
            "shown": refused.dialog if refused else "",
            "typed": refused.form if refused else {},
            "reason_limit": LONGEST_TEXT,
        }
        return render_page(access, "retention.html", translate("Retention"), context, refusal=refusal)

    async def act(access: Access, change: Awaitable[Any], done: str, refused: RefusedInput) -> Response[Any]:
        refusal = await run_action(access.session, change)
        return (
            redirect_to(access, "/retention", done=done) if refusal is None else await render(access, refusal, refused)
        )

    @get(_ROOT, name="retention", opt=_READ, include_in_schema=False)
    async def show_retention_page(access: OpenAccess) -> Response[Any]:
        return await render(access)

    @post(f"{_ROOT}/policy", opt=_WRITE | STEP_UP, include_in_schema=False)
    async def set_retention_policy_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        form = await request.form()
        refused = RefusedInput("policy", form)
        try:
            policy = NewPolicy(days_of(form), text_of(form, "element"))
        except InvalidInput as refusal:
            return await render(access, refusal, refused)

        async def change() -> None:
            await require_policies_version(access.session, version_in(form))
            await set_policy(access.session, classes, text_of(form, "data_class"), policy, now=access.now)

        return await act(access, change(), translate("Retention period saved"), refused)

    @post(f"{_ROOT}/holds", opt=_WRITE, include_in_schema=False)
    async def place_legal_hold_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        form = await request.form()
        hold = NewHold(text_of(form, "reason"), text_of(form, "data_class"), text_of(form, "record_key"))
        placing = place_hold(access.session, classes, hold, now=access.now, new_id=services.new_id)
        return await act(access, placing, translate("Legal hold placed"), RefusedInput("hold", form))

    @post(f"{_ROOT}/holds/{{hold_id:uuid}}/release", opt=_WRITE | STEP_UP, include_in_schema=False)
    async def release_legal_hold_page(
        request: AnyRequest, access: OpenAccess, hold_id: FromPath[UUID]
    ) -> Response[Any]:
        form = await request.form()
        releasing = release_hold(access.session, hold_id, reason=text_of(form, "reason"), now=access.now)
        return await act(access, releasing, translate("Legal hold released"), RefusedInput(f"release-{hold_id}", form))

    return (
        show_retention_page,
        export_page(PURGES, f"{_ROOT}/purges", opt=_READ),
        set_retention_policy_page,
        place_legal_hold_page,
        release_legal_hold_page,
    )
