"""The API of vendor bills."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from billing.permissions import BillingPermission
from billing.vendor_bills.bills import store_bill_rows, withdraw_bill
from billing.vendor_bills.lists import VENDOR_BILL_LINES, VENDOR_BILLS, VENDOR_CLIENTS, VENDOR_PRODUCTS, VENDOR_UPLOADS
from billing.vendor_bills.mappings import change_mapping
from billing.vendor_bills.schemas import (
    BillWithdrawn,
    MappingInput,
    MappingSet,
    VendorBillInput,
    VendorReceipt,
    VendorUploadDetail,
    VendorUploadInput,
)
from billing.vendor_bills.uploads import create_upload, load_upload, store_upload
from billing.web.dependencies import KnownMeters
from foundation.ids import new_id
from foundation.web.api import post, put
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_BILLS: Final = "/api/v1/vendor-bills"
_UPLOADS: Final = "/api/v1/vendor-uploads"
_MAPPINGS: Final = "/api/v1/vendor-mappings"
_READ: Final = {"permission": BillingPermission.READ_VENDOR_BILLS, "fleet": True}
_WRITE: Final = {"permission": BillingPermission.WRITE_VENDOR_BILLS}
_TAGS: Final = ["vendor bills"]
BATCH_BYTES: Final = 1024 * 1024
"""Size of a thousand rows, or of a file."""

BILL_LIST: Final = list_route(
    VENDOR_BILLS, _BILLS, opt=_READ, tags=_TAGS,
    about="List vendor bills, latest month first. Amounts are exact decimals.",
)  # fmt: skip
LINE_LIST: Final = list_route(
    VENDOR_BILL_LINES, "/api/v1/vendor-bill-lines", opt=_READ, tags=_TAGS,
    about="List the rows of vendor bills, with the client and the meter that each is mapped to.",
)  # fmt: skip
UPLOAD_LIST: Final = list_route(
    VENDOR_UPLOADS, _UPLOADS, opt=_READ, tags=_TAGS, about="List the files in which vendor bills came, newest first."
)
CLIENT_LIST: Final = list_route(
    VENDOR_CLIENTS, "/api/v1/vendor-clients", opt=_READ, tags=_TAGS,
    about="List the clients on vendor bills, with what they are mapped to.",
)  # fmt: skip
PRODUCT_LIST: Final = list_route(
    VENDOR_PRODUCTS, "/api/v1/vendor-products", opt=_READ, tags=_TAGS,
    about="List the products on vendor bills, with what they are mapped to.",
)  # fmt: skip


@post(_BILLS, opt=_WRITE, tags=_TAGS, status_code=200, request_max_body_size=BATCH_BYTES)
async def store_vendor_bills(access: OpenAccess, data: JSONBody[VendorBillInput]) -> VendorReceipt:
    """Store rows of vendor bills. Each has its own result; one sent again counts once."""
    return await store_bill_rows(access.session, data, now=access.now, new_id=new_id)


@post(f"{_BILLS}/{{bill_id:uuid}}/withdrawal", opt=_WRITE, tags=_TAGS, status_code=200)
async def withdraw_vendor_bill(access: OpenAccess, bill_id: FromPath[UUID]) -> BillWithdrawn:
    """Take a bill out of all figures. Its number can be stored again."""
    await withdraw_bill(access.session, bill_id, now=access.now)
    return BillWithdrawn(bill_id)


@post(_UPLOADS, opt=_WRITE, tags=_TAGS, status_code=200, request_max_body_size=BATCH_BYTES)
async def create_vendor_upload(access: OpenAccess, data: JSONBody[VendorUploadInput]) -> VendorUploadDetail:
    """Store a CSV file of vendor bills, and return the expected results of its rows, which a second call stores."""
    upload_id = await create_upload(
        access.session, data.csv.encode("utf-8", "surrogatepass"), month=data.month, vendor=data.vendor,
        now=access.now, new_id=new_id,
    )  # fmt: skip
    return await load_upload(access.session, upload_id)


@get(f"{_UPLOADS}/{{upload_id:uuid}}", opt=_READ, tags=_TAGS)
async def show_vendor_upload(access: OpenAccess, upload_id: FromPath[UUID]) -> VendorUploadDetail:
    """Return a file with the results of its rows as of now, and the wrong ones with their bytes."""
    return await load_upload(access.session, upload_id)


@post(f"{_UPLOADS}/{{upload_id:uuid}}/storing", opt=_WRITE, tags=_TAGS, status_code=200)
async def store_vendor_upload(access: OpenAccess, upload_id: FromPath[UUID]) -> VendorUploadDetail:
    """Store the rows of a file that are new. Wrong ones stay in the file."""
    return await store_upload(access.session, upload_id, now=access.now, new_id=new_id)


@put(_MAPPINGS, opt=_WRITE, tags=_TAGS)
async def set_vendor_mapping(access: OpenAccess, meters: KnownMeters, data: JSONBody[MappingInput]) -> MappingSet:
    """Map a vendor's client to one of yours, or a product to a meter; ignore it; or unmap it again."""
    return MappingSet(await change_mapping(access, meters, data))


VENDOR_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    BILL_LIST, LINE_LIST, UPLOAD_LIST, CLIENT_LIST, PRODUCT_LIST, store_vendor_bills, withdraw_vendor_bill,
    create_vendor_upload, show_vendor_upload, store_vendor_upload, set_vendor_mapping,
)  # fmt: skip
