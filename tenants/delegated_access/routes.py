"""API of delegated access to a client."""

from typing import Any, Final
from uuid import UUID

from litestar.params import FromPath, JSONBody

from foundation.ids import new_id
from foundation.web.api import post, put
from tenants.auth.pages import OpenAuth
from tenants.auth.step_up import STEP_UP
from tenants.delegated_access.lists import ACCESS_GRANTS
from tenants.delegated_access.manage import (
    NewAccessRequest,
    answer_access,
    end_access,
    request_access,
    set_staff_access,
)
from tenants.delegated_access.schemas import AccessAnswer, AccessSetting, AccessToRequest, AccessView, access_view
from tenants.permissions import TenantPermission
from tenants.states import StaffAccess
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

ROOT: Final = "/api/v1/clients/{client:str}/access"
_ONE: Final = f"{ROOT}/{{grant_id:uuid}}"
_DECIDE: Final = {"permission": TenantPermission.DECIDE_ACCESS} | STEP_UP
REQUEST: Final = {"permission": TenantPermission.REQUEST_ACCESS, "requests_access": True}
_TAGS: Final = ["access"]

ACCESS_LIST: Final = list_route(
    ACCESS_GRANTS, ROOT, opt={"permission": TenantPermission.READ_ACCESS}, tags=_TAGS,
    about="List who of the MSP's staff asked for access to the client, what was answered, and until when it lasted.",
)  # fmt: skip


@post(ROOT, opt=REQUEST, tags=_TAGS)
async def request_access_to_client(access: OpenAccess, auth: OpenAuth, data: JSONBody[AccessToRequest]) -> AccessView:
    """Ask the client for access, as a member of the MSP's staff."""
    index = await auth.policies.index_for(access.session, access.scope)
    wanted = NewAccessRequest(data.role, data.reason, data.hours)
    found = await request_access(access.session, access.principal, wanted, index=index, now=access.now, new_id=new_id)
    return access_view(found, access.now)


@post(f"{_ONE}/answer", opt=_DECIDE, tags=_TAGS, status_code=200)
async def answer_request_for_access(
    access: OpenAccess, grant_id: FromPath[UUID], data: JSONBody[AccessAnswer]
) -> AccessView:
    """Grant or refuse access, as a member of the client. It begins now and ends by itself."""
    answered = await answer_access(access.session, access.principal, grant_id, grant=data.grant, now=access.now)
    return access_view(answered, access.now)


@post(f"{_ONE}/end", opt=REQUEST | {"permission": TenantPermission.READ_ACCESS}, tags=_TAGS, status_code=200)
async def end_client_access(access: OpenAccess, grant_id: FromPath[UUID]) -> AccessView:
    """Revoke access at once, or withdraw one's own request."""
    return access_view(await end_access(access.session, access.principal, grant_id, now=access.now), access.now)


@put(f"{ROOT}/setting", opt=_DECIDE, tags=_TAGS, status_code=204)
async def set_access_of_staff(access: OpenAccess, data: JSONBody[AccessSetting]) -> None:
    """Set whether the MSP's staff enter the client always or on request only."""
    await set_staff_access(access.session, access.principal, StaffAccess.of(data.staff_access), now=access.now)


ACCESS_ROUTES: Final[tuple[Any, ...]] = (
    ACCESS_LIST, request_access_to_client, answer_request_for_access, end_client_access, set_access_of_staff,
)  # fmt: skip
