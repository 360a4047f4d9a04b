"""Pages of data ownership: the report of gaps, contracts of several elements at once, and the editor of one."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import URLEncodedBody

from canonical.elements import ELEMENTS as PRODUCT_ELEMENTS
from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, InvalidInput, NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.csv_export import CSV_TYPE, write_lines
from foundation.web.etags import ABSENT, version_in
from foundation.web.list_view import list_view
from foundation.web.render import redirect_to
from governance.connections.lists import CONNECTIONS, CONTRACTS
from governance.connections.pages import render_list
from governance.connections.queries import is_in_onboarding, list_sources
from governance.connections.schemas import ContractView
from governance.elements.contract_channels import list_channels_of, no_such_channel
from governance.elements.contract_version import require_contract_version
from governance.elements.domains import USUAL_OWNERS, read_domains, set_domain_owner
from governance.elements.lists import ELEMENTS
from governance.elements.ownership import read_ownership
from governance.elements.publish_contract import USUAL_ELEMENTS, assign_elements, publish_new_contract
from governance.elements.remove_contract import remove_contract
from governance.elements.rules_form import read_rules, write_rules
from governance.elements.schemas import MOST_CHANNELS, Assignment, DomainOwnerInput, NewContract, Sensitivity, Workflow
from governance.elements.selector_labels import write_selector
from governance.labels import write_element
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import load_page

_PUBLISH: Final = {"permission": GovernancePermission.PUBLISH_CONTRACTS}
_ROOT: Final = "/clients/{client:str}/contracts"
_READ: Final = {"permission": GovernancePermission.READ_CONTRACTS}
_LONGEST: Final = 1_000_000.0
_DOMAIN_COLUMNS: Final = ("domain", "label", "owner", "contracts", "elements", "unnamed", "changed_at", "changed_by")
_MOST: Final = 50
"""Elements that are assigned at once."""
AnyRequest = Request[Any, Any, Any]


class DomainOwnerForm(msgspec.Struct):
    domain: str
    owner: str


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


@post(f"{_ROOT}/domains", opt=_PUBLISH, include_in_schema=False)
async def set_domain_owner_page(access: OpenAccess, data: URLEncodedBody[DomainOwnerForm]) -> Response[Any]:
    wanted = DomainOwnerInput(domain=data.domain, owner=data.owner)
    refusal = await run_action(access.session, set_domain_owner(access.session, wanted, now=access.now))
    if refusal is None:
        return redirect_to(access, "/contracts", done=translate("Owner saved"))
    return await _overview(access, refusal)


@get(f"{_ROOT}/domains.csv", opt=_READ, include_in_schema=False)
async def export_domains(access: OpenAccess) -> Response[bytes]:
    found = await read_domains(access.session)
    rows = [[getattr(one, name) for name in _DOMAIN_COLUMNS] for one in found.items]
    name = f"{access.require_client().slug}-data-domains.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(write_lines([_DOMAIN_COLUMNS, *rows]), media_type=CSV_TYPE, headers=headers)


@get(_ROOT, name="contracts", opt=_READ, include_in_schema=False)
async def show_contracts_page(access: OpenAccess) -> Response[Any]:
    return await _overview(access)


@get(f"{_ROOT}/edit", opt=_PUBLISH, include_in_schema=False)
async def edit_contract_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    """The contract of the element and selector in the query, or a new one."""
    element = str(request.query_params.get("element", ""))
    selector = str(request.query_params.get("selector", ""))
    found = await load_page(access, CONTRACTS, CONTRACTS.parse({}))
    known = next((one for one in found.items if (one.element, one.selector) == (element, selector)), None)
    new = {"element": element, "selector": selector, "version": ABSENT if element else ""}
    return await _editor(access, new if known is None else _typed_of(known))


def build_contract_pages(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    registry = services.runtime.registry

    @post(f"{_ROOT}/assign", opt=_PUBLISH, include_in_schema=False)
    async def assign_elements_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        form = await request.form()
        typed = {name: str(value) for name, value in form.items()}
        chosen = [str(value) for value in form.getall("element", [])]
        try:
            if not chosen:
                raise InvalidInput(N_("Choose at least one element."), field="element")
            wanted = Assignment(
                elements=chosen[:_MOST], source_connection_id=_source_in(typed), owner=typed.get("owner", "")
            )
            async with savepoint(access.session):
                await assign_elements(access.session, registry, wanted, now=access.now)
        except NotFound:
            raise
        except DomainError as refusal:
            return await _overview(access, refusal, typed=typed, chosen=chosen)
        return redirect_to(access, "/contracts", done=translate("Contracts published"))

    return (
        show_contracts_page,
        export_domains,
        set_domain_owner_page,
        edit_contract_page,
        assign_elements_page,
        *_build_publishing(services),
    )


def _build_publishing(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    registry = services.runtime.registry

    @post(f"{_ROOT}/edit", opt=_PUBLISH, include_in_schema=False)
    async def save_contract_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
        sent = await request.form()
        form = {name: str(value) for name, value in sent.items()}
        form["channels"] = ",".join(str(one) for one in sent.getall("channel", []))
        try:
            async with savepoint(access.session):
                new = _new_contract(form)
                await require_contract_version(access.session, new.element, new.selector, version_in(form))
                await publish_new_contract(access.session, registry, new, now=access.now)
        except NotFound:
            raise
        except DomainError as refusal:
            return await _editor(access, form, refusal)
        return redirect_to(access, "/contracts", done=translate("Contract published"))

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

    return (save_contract_page, publish_contract_page, remove_contract_page)


async def _overview(
    access: Access,
    refusal: DomainError | None = None,
    *,
    typed: Mapping[str, str] | None = None,
    chosen: Sequence[str] = (),
) -> Response[Any]:
    contracts = CONTRACTS.parse({})
    found = await load_page(access, CONTRACTS, contracts)
    report = await read_ownership(access.session)
    owned = {one.element for one in found.items}
    offered = [code for code in dict.fromkeys((*report.unowned, *USUAL_ELEMENTS)) if code not in owned]
    context = {
        "contracts": list_view(CONTRACTS, contracts, found, f"{access.root}/contracts"),
        "report": report,
        "domains": (await read_domains(access.session)).items,
        "usual_owners": USUAL_OWNERS,
        "offered": offered[:_MOST],
        "sources": await list_sources(access.session),
        "typed": typed or {},
        "chosen": chosen or offered,
        "selector": write_selector,
        "sensitivities": {str(one): one.label for one in Sensitivity},
        "refused": refusal,
        "in_onboarding": await is_in_onboarding(access.session),
    }
    return render_page(access, "contracts.html", translate("Data ownership"), context, refusal=refusal)


async def _editor(access: Access, typed: Mapping[str, str], refusal: DomainError | None = None) -> Response[Any]:
    declared = await ELEMENTS.load(access.session, ELEMENTS.query(show="current"), access.now)
    channels = await list_channels_of(access.session, typed.get("element", ""))
    field = "" if refusal is None else str(refusal.extra.get("field", ""))
    context = {
        "typed": typed,
        "version": version_in(typed),
        "names": [
            *((code, write_element(code)) for code in PRODUCT_ELEMENTS),
            *((one.code, one.label) for one in declared.items),
        ],
        "sources": await list_sources(access.session),
        "channels": [(str(one), name) for one, name in channels],
        "sensitivities": [(str(one), translate(one.label)) for one in Sensitivity],
        "workflows": [(str(one), translate(one.label)) for one in Workflow],
        "errors": {} if refusal is None else {field: refusal.detail},
        "summary": [(field, refusal.detail)] if refusal is not None and field else [],
        "refused": refusal if not field else None,
    }
    return render_page(access, "contract_form.html", translate("Contract"), context, refusal=refusal)


def _typed_of(contract: ContractView) -> dict[str, str]:
    hour, source = timedelta(hours=1), contract.source_connection_id
    return {
        "element": contract.element,
        "selector": contract.selector,
        "version": str(contract.version),
        "source_connection_id": "" if source is None else str(source),
        "owner": contract.owner,
        "sensitivity": contract.sensitivity,
        "workflow": contract.workflow,
        "publish_seconds": f"{contract.propagation_slo.total_seconds():g}",
        "decide_hours": f"{contract.decision_slo / hour:g}",
        "correct_hours": f"{contract.correction_slo / hour:g}",
        "reach": "all" if contract.channels is None else "chosen",
        "channels": ",".join(str(one) for one in contract.channels or ()),
        "expire_hours": f"{contract.approval_ttl / hour:g}",
    } | write_rules(contract.rules)


async def _again(access: Access, refusal: DomainError, form: dict[str, str]) -> Response[Any]:
    return await render_list(access, CONNECTIONS.parse({}), refusal, typed=form)


def _new_contract(form: dict[str, str]) -> NewContract:
    """Raises InvalidInput."""
    sensitivity, workflow = form.get("sensitivity", ""), form.get("workflow", "")
    return NewContract(
        element=form.get("element", "").strip(),
        selector=form.get("selector", ""),
        source_connection_id=_source_in(form),
        owner=form.get("owner", ""),
        sensitivity=Sensitivity.of(sensitivity) if sensitivity in set(Sensitivity) else None,
        workflow=Workflow.of(workflow) if workflow in set(Workflow) else None,
        rules=read_rules(form),
        channels=_channels_in(form),
        all_channels=form.get("reach") == "all",
        **read_targets(form),
    )


def _channels_in(form: Mapping[str, str]) -> list[UUID] | None:
    """The ticked channels; None in a form without the choice. Raises InvalidInput."""
    if form.get("reach") != "chosen":
        return None
    try:
        return [UUID(one) for one in form.get("channels", "").split(",") if one][:MOST_CHANNELS]
    except ValueError as wrong:
        raise no_such_channel() from wrong


def read_targets(form: Mapping[str, str]) -> dict[str, Any]:
    """The targets of a contract's form by their names in `NewContract`. Raises InvalidInput."""
    return {
        "propagation_slo": timedelta(seconds=_number(form, "publish_seconds")),
        "decision_slo": timedelta(hours=_number(form, "decide_hours")),
        "correction_slo": timedelta(hours=_number(form, "correct_hours")),
        "approval_ttl": timedelta(hours=_number(form, "expire_hours") if "expire_hours" in form else 48.0),
    }


def _source_in(form: Mapping[str, str]) -> UUID | None:
    """Raises InvalidInput."""
    source = form.get("source_connection_id", "").strip()
    try:
        return UUID(source) if source else None
    except ValueError as wrong:
        raise InvalidInput(N_("Choose one of the systems."), field="source_connection_id") from wrong


def _number(form: Mapping[str, str], name: str) -> float:
    typed = form.get(name, "").strip().replace(",", ".")
    try:
        number = float(typed)
    except ValueError:
        number = 0.0
    if not 0 < number <= _LONGEST:  # false for NaN, too
        raise InvalidInput(N_("Enter each target as a number above zero, such as 30 or 1.5."), field=name)
    return number
