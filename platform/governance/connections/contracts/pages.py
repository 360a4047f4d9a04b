"""Publishing and removing of contracts on the page of connections."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import URLEncodedBody

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from governance.connections.lists import CONNECTIONS
from governance.connections.pages import render_list
from governance.elements.publish_contract import publish_new_contract
from governance.elements.remove_contract import remove_contract
from governance.elements.schemas import NewContract
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_PUBLISH: Final = {"permission": GovernancePermission.PUBLISH_CONTRACTS}
_ROOT: Final = "/clients/{client:str}/contracts"
_LONGEST: Final = 1_000_000.0


class RemovalForm(msgspec.Struct):
    element: str
    selector: str


@post(f"{_ROOT}/remove", opt=_PUBLISH, include_in_schema=False)
async def remove_contract_page(access: OpenAccess, data: URLEncodedBody[RemovalForm]) -> Response[Any]:
    removing = remove_contract(access.session, element=data.element, selector=data.selector, now=access.now)
    refusal = await run_action(access.session, removing)
    if refusal is None:
        return redirect_to(access, "/connections", done=translate("Contract removed"))
    return await render_list(access, CONNECTIONS.parse({}), refusal)


def build_contract_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(_ROOT, opt=_PUBLISH, include_in_schema=False)
    async def publish_contract_page(request: Request[Any, Any, Any], access: OpenAccess) -> Response[Any]:
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            new = _new_contract(form)
        except InvalidInput as wrong:
            return await _again(access, wrong, form)
        publishing = publish_new_contract(access.session, services.runtime.registry, new, now=access.now)
        refusal = await run_action(access.session, publishing)
        if refusal is None:
            return redirect_to(access, "/connections", done=translate("Contract published"))
        return await _again(access, refusal, form)

    return (publish_contract_page, remove_contract_page)


async def _again(access: Access, refusal: DomainError, form: dict[str, str]) -> Response[Any]:
    return await render_list(access, CONNECTIONS.parse({}), refusal, typed=form)


def _new_contract(form: dict[str, str]) -> NewContract:
    """Raises InvalidInput."""
    source = form.get("source_connection_id", "").strip()
    try:
        connection_id = UUID(source) if source else None
    except ValueError as wrong:
        raise InvalidInput(N_("Choose one of the systems."), field="source_connection_id") from wrong
    return NewContract(
        element=form.get("element", "").strip(),
        selector=form.get("selector", ""),
        source_connection_id=connection_id,
        owner=form.get("owner", ""),
        propagation_slo=timedelta(seconds=_number(form, "publish_seconds")),
        decision_slo=timedelta(hours=_number(form, "decide_hours")),
        correction_slo=timedelta(hours=_number(form, "correct_hours")),
    )


def _number(form: dict[str, str], name: str) -> float:
    typed = form.get(name, "").strip().replace(",", ".")
    try:
        number = float(typed)
    except ValueError:
        number = 0.0
    if not 0 < number <= _LONGEST:  # false for NaN, too
        raise InvalidInput(N_("Enter each target as a number above zero, such as 30 or 1.5."), field=name)
    return number
