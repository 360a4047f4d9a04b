"""How a person stands in an account, in words: what the lists of people and of invitations show."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tenants.access import spoken_role
from tenants.invitations.queries import InvitationState, invitation_state
from tenants.models import Person, Standing

_BADGES: Final = {
    InvitationState.WAITING: ("Invited", "info"),
    InvitationState.EXPIRED: ("Invitation expired", "warn"),
    InvitationState.WITHDRAWN: ("Invitation withdrawn", "neutral"),
}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """`roles` in words."""

    person: Person
    roles: tuple[str, ...]
    now: datetime

    @property
    def invitation(self) -> InvitationState | None:
        return invitation_state(self.person, self.now)

    @property
    def standing(self) -> tuple[str, str]:
        """Words and the kind of badge."""
        known = {Standing.ACTIVE: ("Active", "ok"), Standing.SUSPENDED: ("Suspended", "bad")}
        if self.person.status in known:
            return known[Standing(self.person.status)]
        none = ("No password yet", "neutral")
        return _BADGES.get(self.invitation, none) if self.invitation is not None else none


def person_rows(people: Iterable[Person], held: Mapping[str, set[str]], now: datetime) -> list[PersonRow]:
    """`held`: roles by a person's id."""
    return [PersonRow(person, tuple(map(spoken_role, sorted(held.get(str(person.id), ())))), now) for person in people]
