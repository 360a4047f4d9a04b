"""Impersonation: a member of the MSP's staff looks at a client's pages as one of its members. Read-only, for a time."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from foundation.codes import LabelledCode
from foundation.errors import Forbidden
from foundation.marks import N_, Phrase
from foundation.scope import Actor

MINUTES: Final = (15, 30, 60)
"""Durations that can be chosen."""
LONGEST: Final = timedelta(minutes=max(MINUTES))
END_OPTION: Final = "ends_impersonation"
ENDS_IMPERSONATION: Final = {END_OPTION: True}
"""Option of an unsafe route that a session may use while it impersonates, as the staff's member itself."""


class EndCause(LabelledCode):
    """Causes of the end of an impersonation."""

    ENDED = "ended", N_("it was ended")
    TIME = "time", N_("its time is over")
    SIGN_OUT = "sign_out", N_("the service provider's member signed out")
    SUSPENDED = "suspended", N_("a member or the account is suspended")
    PERMISSION = "permission", N_("the permission was removed")
    ACCESS = "access", N_("the client does not admit the service provider's member any more")


class Impersonation(msgspec.Struct, frozen=True):
    """The member looked at, the staff's member, the reason and the end. `tenant_id` is the client. Names are those at
    the start. The release before stored neither `since` nor `reason`.
    """

    id: UUID
    tenant_id: UUID
    client: str
    member_id: UUID
    member_name: str
    by_id: UUID
    by_name: str
    until: datetime
    since: datetime | None = None
    reason: str = ""

    @property
    def actor(self) -> Actor:
        """The staff's member, to whom actions during the impersonation are attributed."""
        return Actor(kind="member", id=str(self.by_id), name=self.by_name, looks_as=str(self.member_id))


class ImpersonationIsReadOnly(Forbidden):
    code = "impersonation-is-read-only"
    title = N_("You are viewing as another member")

    def __init__(self, member: str) -> None:
        super().__init__(
            N_("You see what {member} may see, and can change nothing. End the impersonation first."),
            params={"member": member},
        )


class ImpersonationHidesThis(Forbidden):
    code = "impersonation-hides-this"
    title = N_("You are viewing as another member")

    def __init__(self, member: str) -> None:
        super().__init__(
            N_("Settings, sessions, second factors and keys are not shown while you view the pages as {member}."),
            params={"member": member},
        )


class ImpersonationEnded(Forbidden):
    code = "impersonation-ended"
    title = N_("Viewing as another member has ended")

    def __init__(self, member: str, cause: EndCause) -> None:
        super().__init__(
            N_("You no longer view the pages as {member}: {cause}. Open the page again as yourself."),
            params={"member": member, "cause": Phrase(cause.label)},
        )
        self.cause = cause


class OnlyInABrowser(Forbidden):
    code = "only-in-a-browser"
    title = N_("Sign in for this")

    def __init__(self) -> None:
        super().__init__(
            N_(
                "Only a signed-in member of the MSP's staff can view the pages as another member: an API key has no "
                "session for it."
            )
        )
