"""Setting of the language and time zone in which a member reads, and of an account's defaults."""

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.i18n.catalogues import LANGUAGES
from foundation.i18n.negotiation import time_zones
from foundation.marks import N_
from foundation.web.requests import RequestBody
from tenants.accounts import get_client, get_msp
from tenants.audit_actions import AccountAction, TenantAction
from tenants.members.repository import get_member


class Preferences(RequestBody, frozen=True):
    """A language of this release (`de`) and a time zone (`Europe/Berlin`). An empty one is inherited: a member's from
    the account, an account's from the browser and UTC.
    """

    language: str = ""
    time_zone: str = ""


class MemberPreferences(Preferences, frozen=True):
    """As `Preferences`. `shortcuts`: whether pages react to single keys; null leaves the setting unchanged."""

    shortcuts: bool | None = None


async def set_member_preferences(
    session: AsyncSession, member_id: UUID, preferences: Preferences, *, now: datetime
) -> None:
    """Raises: NotFound, InvalidInput."""
    check_preferences(preferences)
    member = await get_member(session, member_id, lock=True)
    member.language, member.time_zone = preferences.language or None, preferences.time_zone or None
    if isinstance(preferences, MemberPreferences) and preferences.shortcuts is not None:
        member.shortcuts = preferences.shortcuts
    append_audit(
        session,
        action=TenantAction.MEMBER_PREFERENCES_CHANGED,
        subject=f"member:{member_id}",
        data=msgspec.structs.asdict(preferences),
        at=now,
    )


async def set_account_preferences(session: AsyncSession, preferences: Preferences, *, now: datetime) -> None:
    """Set the defaults of the scope's account. Raises: InvalidInput."""
    check_preferences(preferences)
    scope = scope_of(session)
    account = await (get_msp(session) if scope.tenant_id == scope.msp_id else get_client(session))
    account.language, account.time_zone = preferences.language or None, preferences.time_zone or None
    append_audit(
        session,
        action=AccountAction.ACCOUNT_PREFERENCES_CHANGED,
        subject=f"account:{scope.tenant_id}",
        data=msgspec.structs.asdict(preferences),
        at=now,
    )


def check_preferences(preferences: Preferences) -> None:
    """Raises: InvalidInput."""
    if preferences.language and preferences.language not in LANGUAGES:
        raise InvalidInput(
            N_("There is no such language. Choose one of {languages}."),
            params={"languages": ", ".join(LANGUAGES)},
            field="language",
        )
    if preferences.time_zone and preferences.time_zone not in time_zones():
        raise InvalidInput(N_("There is no such time zone. Choose one such as Europe/Berlin."), field="time_zone")
