"""Page of the data that is shared with trading partners, and its export."""

from typing import Any, Final

from litestar import Response, get

from foundation.i18n.localizer import translate
from foundation.web.csv_export import CSV_TYPE, write_lines
from governance.connections.shares.queries import Share, read_shares
from governance.elements.schemas import Sensitivity
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.web.dependencies import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_CONTRACTS}
_ROOT: Final = "/clients/{client:str}/shared-data"


@get(_ROOT, name="shared-data", opt=_READ, include_in_schema=False)
async def show_shared_data_page(access: OpenAccess) -> Response[Any]:
    context = {
        "record": await read_shares(access.session),
        "sensitivities": {str(one): one.label for one in Sensitivity},
    }
    return render_page(access, "shared_data.html", translate("Data shared with partners"), context)


@get(f"{_ROOT}.csv", opt=_READ, include_in_schema=False)
async def export_shared_data(access: OpenAccess) -> Response[bytes]:
    found = await read_shares(access.session)
    names = Share.__struct_fields__
    rows = [[getattr(one, name) for name in names] for one in found.items]
    headers = {"Content-Disposition": f'attachment; filename="{access.require_client().slug}-shared-data.csv"'}
    return Response(write_lines([names, *rows]), media_type=CSV_TYPE, headers=headers)
