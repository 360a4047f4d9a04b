"""API of the accounting export."""

from typing import Any, Final

from litestar import get
from litestar.params import FromQuery

from billing.exports.export import export_month
from billing.exports.schemas import Export, Target
from billing.permissions import BillingPermission
from tenants.web.dependencies import OpenAccess


@get(
    "/api/v1/invoice-lines",
    opt={"permission": BillingPermission.ISSUE_INVOICE, "fleet": True},
    tags=["invoices"],
)
async def list_invoice_lines(
    access: OpenAccess, month: FromQuery[str], target: FromQuery[Target] = Target.FLAT
) -> Export:
    """List the lines of the invoices and credit notes that were issued in a month, of all clients, in the columns of an
    accounting system. The id of a line never changes: skip the ids that you have already imported.
    """
    return await export_month(access.session, month=month, target=target)


EXPORT_ROUTES: Final[tuple[Any, ...]] = (list_invoice_lines,)
