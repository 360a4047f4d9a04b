"""API of the accounting export."""

from typing import Any, Final, Literal

from litestar import get
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import FromQuery

from billing.exports.export import export_month
from billing.exports.pages import MEDIA_TYPES, send_export
from billing.exports.schemas import Export, FileFormat, Target
from billing.permissions import BillingPermission
from tenants.web.dependencies import OpenAccess


class ExportOperation(Operation):
    """An operation whose answer is JSON or a file."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            files = {kind: OpenAPIMediaType(Schema(type=OpenAPIType.STRING)) for kind in MEDIA_TYPES.values()}
            answer.content = {**(answer.content or {}), **files}


@get(
    "/api/v1/invoice-lines",
    opt={"permission": BillingPermission.ISSUE_INVOICE, "fleet": True},
    tags=["invoices"],
    operation_class=ExportOperation,
)
async def list_invoice_lines(
    access: OpenAccess,
    month: FromQuery[str],
    target: FromQuery[Target] = Target.FLAT,
    format: FromQuery[Literal["json", "csv", "xlsx"]] = "json",  # noqa: A002 - the parameter's name
) -> Export:
    """List the lines of the invoices and credit notes that were issued in a month, of all clients, in the columns of an
    accounting system, also as a file. The id of a line never changes: skip the ids that you have already imported.
    """
    found = await export_month(access.session, month=month, target=target)
    if format == "json":
        return found
    return await send_export(access, found, FileFormat(format))  # type: ignore[return-value] # a file: ExportOperation


EXPORT_ROUTES: Final[tuple[Any, ...]] = (list_invoice_lines,)
