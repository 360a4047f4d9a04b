"""API of impersonation, for sessions only: API keys view no pages."""

from typing import Any, Final
from uuid import UUID

from litestar.params import FromPath, JSONBody

from foundation.errors import NotFound
from foundation.web.api import delete, post
from tenants.auth.end_impersonation import record_end
from tenants.auth.impersonation import ENDS_IMPERSONATION, EndCause
from tenants.auth.pages import OpenAuth
from tenants.auth.step_up import STEP_UP
from tenants.impersonation.begin import begin_impersonation
from tenants.impersonation.schemas import ImpersonationToStart, ImpersonationView, impersonation_view
from tenants.impersonation.start import NewImpersonation
from tenants.permissions import TenantPermission
from tenants.web.dependencies import OpenAccess

_PATH: Final = "/api/v1/clients/{client:str}/members/{member_id:uuid}/impersonation"
_END: Final = {"permission": TenantPermission.READ_MEMBERS} | ENDS_IMPERSONATION


@post(_PATH, opt={"permission": TenantPermission.IMPERSONATE} | STEP_UP, tags=["members"])
async def start_impersonation_of_member(
    access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], data: JSONBody[ImpersonationToStart]
) -> ImpersonationView:
    """Look as a member of the client, read-only, in the session of this request. API keys cannot."""
    wanted = NewImpersonation(data.minutes, data.reason)
    return impersonation_view(await begin_impersonation(access, auth, member_id, wanted))


@delete(_PATH, opt=_END, tags=["members"])
async def end_impersonation_of_member(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> None:
    """End the impersonation of this session."""
    signed_in = access.signed_in
    acting = None if signed_in is None else signed_in.acting
    if signed_in is None or acting is None or acting.member_id != member_id:
        raise NotFound
    if await auth.sessions.end_impersonation(signed_in):
        record_end(access.session, acting, EndCause.ENDED, access.now)


IMPERSONATION_ROUTES: Final[tuple[Any, ...]] = (start_impersonation_of_member, end_impersonation_of_member)
