"""API of members' sessions. Without a client in the path, of the MSP account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath

from foundation.audit.chain import append_audit
from foundation.web.api import delete
from tenants.auth.pages import OpenAuth
from tenants.members.repository import get_member
from tenants.permissions import TenantPermission
from tenants.security.audit_actions import SecurityAction
from tenants.security.own import end_session, list_sessions
from tenants.web.dependencies import OpenAccess

_SESSIONS: Final = [
    "/api/v1/members/{member_id:uuid}/sessions",
    "/api/v1/clients/{client:str}/members/{member_id:uuid}/sessions",
]
_INVITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}


class SessionView(msgspec.Struct, frozen=True):
    """A browser in which the member is signed in. `browser` and `system` are empty where not known."""

    id: str
    created_at: datetime
    seen_at: datetime
    browser: str
    system: str


@get(_SESSIONS, opt=_INVITE, tags=["members"])
async def list_member_sessions(access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID]) -> Sequence[SessionView]:
    """List the sessions of a member, latest used first."""
    await get_member(access.session, member_id)
    found = await list_sessions(auth, access.scope.msp_id, member_id)
    return [SessionView(one.id, one.created_at, one.seen_at, one.browser, one.system) for one in found]


@delete([f"{path}/{{session_id:str}}" for path in _SESSIONS], opt=_INVITE, tags=["members"])
async def end_member_session(
    access: OpenAccess, auth: OpenAuth, member_id: FromPath[UUID], session_id: FromPath[str]
) -> None:
    """End one session of a member. They can sign in again."""
    await get_member(access.session, member_id)
    await end_session(auth, access.scope.msp_id, member_id, session_id)
    append_audit(
        access.session, action=SecurityAction.SESSION_ENDED, subject=f"member:{member_id}",
        data={"session": session_id[:16]}, at=access.now,
    )  # fmt: skip


SECURITY_ROUTES: Final[tuple[Any, ...]] = (list_member_sessions, end_member_session)
