"""Pages of changes: list, detail with propagations, source event, rollback."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, URLEncodedBody
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import PRICE, REFERENCE_ELEMENTS, STOCK
from foundation.database.savepoint import savepoint
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.web.fragments import FRAGMENT
from foundation.web.list_view import list_view
from foundation.web.lists import ListParameters, Options
from foundation.web.render import redirect_to
from governance.authors import name_authors
from governance.changes.lists import CHANGES
from governance.changes.order_view import describe_order
from governance.changes.queries import (
    SEARCHED_ROWS,
    find_event,
    is_current,
    read_change,
    read_references,
)
from governance.changes.rollback import roll_back_change
from governance.changes.timeline import build_timeline
from governance.elements.repository import load_contracts
from governance.labels import write_element
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.services import GovernanceServices
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import export_page, load_page

_READ: Final = {"permission": GovernancePermission.READ_CHANGES}
_ROLL_BACK: Final = {"permission": GovernancePermission.ROLL_BACK_CHANGE}
_EVENTS: Final = {"permission": GovernancePermission.READ_SOURCE_EVENTS}
_ROOT: Final = "/clients/{client:str}/changes"


class RollbackForm(msgspec.Struct):
    """Form of a rollback; an empty connection is for every channel."""

    connection: UUID | None = None


@get(_ROOT, opt=_READ, dependencies=CHANGES.page_parameters, include_in_schema=False)
async def list_changes_page(access: OpenAccess, listed: ListParameters) -> Response[Any]:
    """The list; of one record, also its reference values, which are not changes."""
    found = await load_page(access, CHANGES, listed)
    searched = listed.query["search"].strip()
    one = listed.query["key"] or ("" if searched.endswith("*") else searched)
    context = {
        "listed": list_view(
            CHANGES,
            listed,
            found,
            f"{access.root}/changes",
            options={"element": await _elements(access.session)},
        ),
        "record": one,
        "looked_through": SEARCHED_ROWS,
        "references": await read_references(access.session, one) if one else (),
        "titles": await load_titles(access.session, [one, *(change.record_key for change in found.items)]),
    }
    return render_page(access, "changes.html", translate("Changes"), context, refusal=listed.refusal)


@get(f"{_ROOT}/{{change_id:uuid}}", opt=_READ, include_in_schema=False)
async def show_change_page(access: OpenAccess, change_id: FromPath[UUID]) -> Response[Any]:
    return await _detail(access, change_id)


@get(f"{_ROOT}/{{change_id:uuid}}/progress", opt=_READ | FRAGMENT, include_in_schema=False)
async def show_change_fragment(access: OpenAccess, change_id: FromPath[UUID]) -> Response[Any]:
    return render_page(access, "change_progress.html", translate("Change"), await _context(access, change_id))


@get("/clients/{client:str}/events/{event_id:uuid}", opt=_EVENTS, include_in_schema=False)
async def show_source_event_page(access: OpenAccess, event_id: FromPath[UUID]) -> Response[Any]:
    return render_page(
        access, "event.html", translate("Original message"), {"event": await find_event(access.session, event_id)}
    )


def build_change_pages(services: GovernanceServices) -> list[HTTPRouteHandler]:
    @post(f"{_ROOT}/{{change_id:uuid}}/rollback", opt=_ROLL_BACK, include_in_schema=False)
    async def create_rollback_page(
        access: OpenAccess,
        change_id: FromPath[UUID],
        data: URLEncodedBody[RollbackForm],
    ) -> Response[Any]:
        try:
            async with savepoint(access.session):
                back = await roll_back_change(access.session, services, change_id, connection_id=data.connection)
        except DomainError as refusal:
            return await _detail(access, change_id, refusal)
        return redirect_to(access, f"/changes/{back}", done=translate("Rollback created"))

    return [
        list_changes_page,
        export_page(CHANGES, _ROOT, opt=_READ),
        show_change_page,
        show_change_fragment,
        show_source_event_page,
        create_rollback_page,
    ]


async def _elements(session: AsyncSession) -> Options:
    """Elements that the filter offers: price and stock, and what has a contract and goes to channels."""
    found = {code: write_element(code) for code in (PRICE, STOCK)}
    for contract in await load_contracts(session):
        if contract.element not in REFERENCE_ELEMENTS:
            declared = contract.declared
            found[contract.element] = write_element(contract.element) if declared is None else declared.label
    return [("", translate("Any")), *sorted(found.items(), key=lambda one: one[1])]


async def _detail(access: Access, change_id: UUID, refusal: DomainError | None = None) -> Response[Any]:
    context = await _context(access, change_id)
    return render_page(access, "change.html", translate("Change"), context, refusal=refusal)


async def _context(access: Access, change_id: UUID) -> dict[str, object]:
    detail = await read_change(access.session, change_id, now=access.now)
    answer = detail.approval
    order = describe_order(detail.change.new)
    contract = (await load_contracts(access.session)).find(detail.change.key)
    quoted = (detail.change.author, *((answer.requested_by, answer.decided_by) if answer else ()))
    names = await name_authors(access.session, quoted, me=str(access.principal.id))
    return {
        "detail": detail,
        "change": detail.change,
        "order": order,
        "is_current": detail.change.version is not None and await is_current(access.session, detail.change),
        "names": names,
        "titles": await load_titles(access.session, [detail.change.record_key, *(order.skus if order else ())]),
        "proposable": contract is not None and contract.source_connection_id is None,
        "publish_time": max((p.took for p in detail.change.channels if p.took is not None), default=None),
        "story": build_timeline(detail, names),
    }
