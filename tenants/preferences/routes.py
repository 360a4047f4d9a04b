"""API of the language and time zone of members and of accounts. Without a client in the path, of the MSP account."""

from typing import Any, Final
from uuid import UUID

from litestar.params import FromPath, JSONBody

from foundation.web.api import put
from tenants.permissions import TenantPermission
from tenants.preferences.set_preferences import (
    MemberPreferences,
    Preferences,
    set_account_preferences,
    set_member_preferences,
)
from tenants.web.dependencies import OpenAccess

_MEMBER: Final = [
    "/api/v1/members/{member_id:uuid}/preferences",
    "/api/v1/clients/{client:str}/members/{member_id:uuid}/preferences",
]
_ACCOUNT: Final = ["/api/v1/preferences", "/api/v1/clients/{client:str}/preferences"]
_INVITE: Final = {"permission": TenantPermission.INVITE_MEMBERS}


@put(_MEMBER, opt=_INVITE, tags=["members"], status_code=204)
async def save_member_preferences(
    access: OpenAccess, member_id: FromPath[UUID], data: JSONBody[MemberPreferences]
) -> None:
    """Set the language, time zone and keyboard shortcuts of a member. Empty texts are inherited from the account."""
    await set_member_preferences(access.session, member_id, data, now=access.now)


@put(_ACCOUNT, opt=_INVITE, tags=["members"], status_code=204)
async def save_account_preferences(access: OpenAccess, data: JSONBody[Preferences]) -> None:
    """Set the language and time zone of members who chose none."""
    await set_account_preferences(access.session, data, now=access.now)


PREFERENCE_ROUTES: Final[tuple[Any, ...]] = (save_member_preferences, save_account_preferences)
