"""Status of a member in an account, as shown in the lists of members and invitations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from branding.formats import format_duration
from foundation.marks import N_
from policy.role_labels import role_label
from tenants.auth.impersonation import MINUTES
from tenants.members.invitation_queries import invitation_state
from tenants.models import Member
from tenants.states import AccountStatus, InvitationState

_BADGES: Final = {
    InvitationState.WAITING: (N_("Invited"), "info"),
    InvitationState.EXPIRED: (N_("Invitation expired"), "warn"),
    InvitationState.WITHDRAWN: (N_("Invitation withdrawn"), "neutral"),
}


@dataclass(frozen=True, slots=True)
class LookForm:
    """Input of the dialog with which staff look as a member. `errors` are sentences by field."""

    minutes: str = str(MINUTES[0])
    reason: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(str(one), format_duration(timedelta(minutes=one))) for one in MINUTES]


@dataclass(frozen=True, slots=True)
class MemberRow:
    """`roles` are labels."""

    member: Member
    roles: tuple[str, ...]
    now: datetime

    @property
    def invitation(self) -> InvitationState | None:
        return invitation_state(self.member, self.now)

    @property
    def status_badge(self) -> tuple[str, str]:
        """Label, to be translated, and kind of the badge."""
        known = {AccountStatus.ACTIVE: (N_("Active"), "ok"), AccountStatus.SUSPENDED: (N_("Suspended"), "bad")}
        if self.member.status in known:
            return known[AccountStatus(self.member.status)]
        none = (N_("No password yet"), "neutral")
        return _BADGES.get(self.invitation, none) if self.invitation is not None else none


def member_rows(
    members: Iterable[Member], held: Mapping[str, set[str]], now: datetime, names: Mapping[str, str]
) -> list[MemberRow]:
    """Rows of members. `held`: roles by member id; `names`: those of the account's own roles, by id."""
    return [
        MemberRow(member, tuple(role_label(role, names) for role in sorted(held.get(str(member.id), ()))), now)
        for member in members
    ]
