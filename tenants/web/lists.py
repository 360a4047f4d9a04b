"""Routes and exports of lists: a `ListDefinition` with an address and a permission gives the API's route and the CSV.

The export has the list's own permission and scope, and is audited in the caller's account before its first byte.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.response import Stream

from foundation.audit.chain import append_audit
from foundation.database.engine import later_transaction
from foundation.entitlements.check import require_entitlement
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.web.boundary import header_text
from foundation.web.csv_export import BATCH, CSV_TYPE, stream_csv, wants_csv
from foundation.web.lists import ListDefinition, ListInput, ListParameters
from foundation.web.pagination import ListQuery, ResultPage
from tenants.access import Access
from tenants.audit_actions import TenantAction
from tenants.features import EXPORT_FEATURE

LIST: Final = "list"
"""Key of a handler's options that holds its `ListDefinition`."""
AnyRequest = Request[Any, Any, Any]
_OpenAccess = NamedDependency[Access]
"""As `tenants.routes.OpenAccess`, which imports this module."""


class ListOperation(Operation):
    """An operation whose answer is JSON, or CSV with `Accept: text/csv`."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            answer.content = {**(answer.content or {}), CSV_TYPE: OpenAPIMediaType(Schema(type=OpenAPIType.STRING))}


def list_route(
    definition: ListDefinition[Any],
    paths: str | Sequence[str],
    *,
    opt: Mapping[str, Any],
    tags: Sequence[str],
    about: str,
) -> HTTPRouteHandler:
    """The API's route of a list, documented with `about`."""

    async def handler(request: AnyRequest, access: _OpenAccess, listed: ListParameters) -> Any:
        query = listed.require().inside(_parents(request))
        if wants_csv(header_text(request.scope, b"accept")):
            if listed.fields:
                raise InvalidInput(N_("A file has all columns. Leave “fields” out."), field="fields")
            return await export_list(access, definition, query)
        page = await definition.load(access.session, query, access.now)
        return narrow_items(page, listed.fields) if listed.fields else page

    handler.__doc__ = about
    handler.__name__ = handler.__qualname__ = f"list_{definition.name.replace('-', '_')}"
    handler.__annotations__ = {**handler.__annotations__, "return": ResultPage[definition.item]}  # type: ignore[name-defined]
    decorate = get(
        paths if isinstance(paths, str) else list(paths),
        opt={**opt, LIST: definition},
        tags=list(tags),
        dependencies=definition.parameters,
        operation_class=ListOperation,
    )
    return decorate(handler)


def narrow_items(page: ResultPage[Any], fields: Sequence[str]) -> ResultPage[dict[str, Any]]:
    """The page with these fields of its items only."""
    return page.with_items(
        [
            {
                shown: getattr(item, name)
                for shown, name in zip(item.__struct_encode_fields__, item.__struct_fields__, strict=True)
                if shown in fields
            }
            for item in page.items
        ]
    )


def export_page(
    definition: ListDefinition[Any], paths: str | Sequence[str], *, opt: Mapping[str, Any]
) -> HTTPRouteHandler:
    """The download behind a page's “Export CSV”: the page's address with `.csv`, and its filters."""

    async def handler(request: AnyRequest, access: _OpenAccess, listed: ListParameters) -> Stream:
        return await export_list(access, definition, listed.require().inside(_parents(request)))

    addresses = [paths] if isinstance(paths, str) else paths
    decorate = get(
        [f"{address}.csv" for address in addresses],
        opt={**opt, LIST: definition},
        dependencies=definition.export_parameters,
        include_in_schema=False,
    )
    return decorate(handler)


async def export_list(access: Access, definition: ListDefinition[Any], query: ListQuery) -> Stream:
    """Audit and stream a list from the query's cursor on.

    Raises:
        NotInPlan, PlanLimitReached: the account's plan has no further export in this month.
    """
    session, scope, now = access.session, access.scope, access.now

    async def more(cursor: str) -> ResultPage[Any]:
        async with later_transaction(session, scope) as later:
            return await definition.load(later, query.after(cursor, limit=BATCH), now)

    first = await definition.load(session, query.for_export(BATCH), now)
    if scope.fleet:  # reads only; the export is recorded in the exporting member's account
        await access.enter_home()
    elif scope.partner_id is not None:  # partners never write; what follows in this transaction is the entry alone
        await access.leave_partner()
    await require_entitlement(session, EXPORT_FEATURE, now=now)
    used = {name: value for name, value in query.values.items() if value}
    data = {"format": "csv", "order": query.sort.name, **({"filter": used} if used else {})}
    append_audit(session, action=TenantAction.LIST_EXPORTED, subject=f"list:{definition.name}", data=data, at=now)
    whose = access.client.slug if access.client else access.account.name
    name = f"{whose} {definition.name} {now:%Y-%m-%d}.csv"
    return stream_csv(first, more, definition.columns, name=name)


def _parents(request: AnyRequest) -> Mapping[str, UUID]:
    return {name: value for name, value in request.path_params.items() if isinstance(value, UUID)}


async def load_page(
    access: Access, definition: ListDefinition[Any], listed: ListInput, **parents: UUID
) -> ResultPage[Any]:
    """The page of a list to show; an empty one, with the reason, if the query was refused."""
    if listed.refusal is not None:
        return ResultPage([])
    return await definition.load(access.session, listed.query.inside(parents), access.now)
