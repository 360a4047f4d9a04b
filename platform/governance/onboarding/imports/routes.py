"""The API of imports of clients."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from foundation.ids import new_id
from foundation.web.api import post
from governance.onboarding.imports import imports
from governance.onboarding.imports.schemas import ImportInput, ImportPreview, ImportView
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

_CREATE: Final = {"permission": TenantPermission.CREATE_CLIENT}
_ROOT: Final = "/api/v1/client-import"
_TAGS: Final = ["clients"]


@get(_ROOT, opt=_CREATE, tags=_TAGS)
async def show_import(access: OpenAccess) -> ImportView:
    """The latest import of clients, with the result of each row."""
    return await imports.load_latest_import(access.session)


@post(f"{_ROOT}/preview", opt=_CREATE | {"fleet": True}, tags=_TAGS, status_code=200)
async def preview_import(access: OpenAccess, data: JSONBody[ImportInput]) -> ImportPreview:
    """Preview an import of a CSV file: the result of each row. Nothing is created."""
    return await imports.preview_import(access.session, data.csv)


@post(_ROOT, opt=_CREATE, tags=_TAGS, status_code=202)
async def start_import(access: OpenAccess, data: JSONBody[ImportInput]) -> ImportView:
    """Create the clients of a CSV file, asynchronously. Refused if a row is wrong. A client whose short name exists is
    left as it is, so that an import can be repeated.
    """
    await imports.start_import(access.session, data.csv, now=access.now, import_id=new_id())
    return await imports.load_latest_import(access.session)


IMPORT_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (show_import, preview_import, start_import)
