"""States of accounts, members and invitations."""

from enum import StrEnum
from typing import Final

from foundation.state_machine import StateMachine


class AccountStatus(StrEnum):
    """Status of accounts and members. Suspension keeps all records and removes all rights."""

    ACTIVE = "active"
    INVITED = "invited"
    SUSPENDED = "suspended"


class ClientStatus(StrEnum):
    """The part of `AccountStatus` that an account has."""

    ACTIVE = AccountStatus.ACTIVE.value
    SUSPENDED = AccountStatus.SUSPENDED.value


class InvitationState(StrEnum):
    """Derived from a member's link and password, not stored."""

    WAITING = "waiting"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


CLIENTS: Final = StateMachine(
    ClientStatus,
    starts=[ClientStatus.ACTIVE],
    transitions={
        ClientStatus.ACTIVE: [ClientStatus.SUSPENDED],
        ClientStatus.SUSPENDED: [ClientStatus.ACTIVE],
    },
)
MEMBERS: Final = StateMachine(
    AccountStatus,
    starts=[AccountStatus.INVITED],
    transitions={
        AccountStatus.INVITED: [AccountStatus.ACTIVE, AccountStatus.SUSPENDED],
        AccountStatus.ACTIVE: [AccountStatus.SUSPENDED],
        # One who never set a password is invited again after a suspension.
        AccountStatus.SUSPENDED: [AccountStatus.ACTIVE, AccountStatus.INVITED],
    },
)
INVITATIONS: Final = StateMachine(
    InvitationState,
    starts=[InvitationState.WAITING],
    transitions={
        InvitationState.WAITING: [InvitationState.ACCEPTED, InvitationState.EXPIRED, InvitationState.WITHDRAWN],
        InvitationState.EXPIRED: [InvitationState.WAITING, InvitationState.ACCEPTED, InvitationState.WITHDRAWN],
        InvitationState.WITHDRAWN: [InvitationState.WAITING, InvitationState.ACCEPTED],
    },
)
"""The operator's command sets a password in any of them, which accepts the invitation."""
